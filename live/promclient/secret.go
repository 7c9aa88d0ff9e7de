package promclient

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// maxSecret is the size in bytes of the largest file of credentials that is read.
const maxSecret = 64 << 10

// secrets remembers what must not be repeated.
type secrets struct {
	kept []string // for as long as there is a client

	mu   sync.Mutex
	seen []string // those of files, the newest last
}

// maxSeen bounds how many rotated secrets are remembered.
const maxSeen = 64

func (s *secrets) remember(values ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range forms(values...) {
		if slices.Contains(s.seen, v) {
			continue
		}
		s.seen = append(s.seen, v)
		if len(s.seen) > maxSeen {
			s.seen = s.seen[1:]
		}
	}
}

// forms are those in which messages may hold secrets: with their blanks joined, and quoted.
func forms(values ...string) []string {
	for _, v := range slices.Clone(values) {
		joined := strings.Join(strings.Fields(v), " ")
		values = append(values, joined, unquoted(v), unquoted(joined))
	}
	// What is shorter is no secret, and would black out letters of every message.
	return slices.DeleteFunc(values, func(v string) bool { return len(v) < 4 })
}

// unquoted is a text as it stands within a quoted one.
func unquoted(v string) string {
	q := strconv.Quote(v)
	return q[1 : len(q)-1]
}

// hide replaces secrets in a text, the longer first: one may be part of another.
func (s *secrets) hide(text string) string {
	s.mu.Lock()
	known := slices.Concat(s.kept, s.seen)
	s.mu.Unlock()
	slices.SortFunc(known, func(a, b string) int { return len(b) - len(a) })
	for _, v := range known {
		text = strings.ReplaceAll(text, v, "[secret]")
	}
	return text
}

// fileSecret reads a credential from a file at each request: files of mounted Secrets
// change. It is a SecretReader of prometheus/common/config.
type fileSecret struct {
	file    string
	what    string
	pick    func(text string) (string, error)
	secrets *secrets
}

// Fetch returns the credential.
func (f *fileSecret) Fetch(context.Context) (string, error) {
	text, err := readSecret(f.file)
	if err != nil {
		return "", err
	}
	value, err := f.pick(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.file, err)
	}
	f.secrets.remember(value)
	if user, password, ok := strings.Cut(text, ":"); ok && f.what != "bearer token" {
		f.secrets.remember(password, base64.StdEncoding.EncodeToString([]byte(user+":"+password)))
	}
	return value, nil
}

// Description returns where the credential comes from.
func (f *fileSecret) Description() string { return f.what + " file " + f.file }

// Immutable returns that it may change.
func (f *fileSecret) Immutable() bool { return false }

func readSecret(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrCredentials, err)
	}
	if len(data) > maxSecret {
		return "", fmt.Errorf("%s: %w: more than %d bytes", name, ErrCredentials, maxSecret)
	}
	return strings.TrimSpace(string(data)), nil
}

// pickToken returns a text that is one token.
func pickToken(text string) (string, error) {
	switch {
	case text == "":
		return "", fmt.Errorf("%w: file is empty", ErrCredentials)
	case strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r >= 0x7f }):
		return "", fmt.Errorf("%w: file must hold one token and nothing else", ErrCredentials)
	}
	return text, nil
}

// pickUser and pickPassword return the two halves of user:password.
func pickUser(text string) (string, error) {
	user, _, err := cutUser(text)
	return user, err
}

func pickPassword(text string) (string, error) {
	_, password, err := cutUser(text)
	return password, err
}

func cutUser(text string) (user, password string, err error) {
	user, password, ok := strings.Cut(text, ":")
	if !ok || user == "" || strings.ContainsAny(text, "\r\n") {
		return "", "", fmt.Errorf("%w: file must hold one line user:password", ErrCredentials)
	}
	return user, password, nil
}
