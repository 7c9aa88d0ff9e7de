package external

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"

	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// proxyConfig is where the API server says how its front proxy shows who it is.
var proxyConfig = client.ObjectKey{Namespace: "kube-system", Name: "extension-apiserver-authentication"}

// A frontProxy knows the front proxy of the API server: from whom its certificate
// comes, what it is called, and in which headers it says for whom it speaks.
type frontProxy struct {
	reader client.Reader
	terms  atomic.Pointer[proxyTerms]
}

type proxyTerms struct {
	clients                      *x509.CertPool
	names                        []string // none: any
	user, uid, group, extraStart []string
}

// refresh reads the terms; they stay as they are where that fails.
func (p *frontProxy) refresh(ctx context.Context) error {
	config := &corev1.ConfigMap{}
	if err := p.reader.Get(ctx, proxyConfig, config); err != nil {
		return fmt.Errorf("read how the front proxy of the API server shows who it is: %w", err)
	}
	terms, err := parseTerms(config.Data)
	if err != nil {
		return fmt.Errorf("ConfigMap %s: %w", proxyConfig, err)
	}
	p.terms.Store(terms)
	return nil
}

func parseTerms(data map[string]string) (*proxyTerms, error) {
	t := &proxyTerms{clients: x509.NewCertPool()}
	const authority = "requestheader-client-ca-file"
	if data[authority] == "" {
		return nil, errors.New("it has no " + authority + ": the API server runs without an aggregation layer")
	}
	if !t.clients.AppendCertsFromPEM([]byte(data[authority])) {
		return nil, errors.New(authority + " holds no certificate")
	}
	for key, list := range map[string]*[]string{
		"requestheader-allowed-names":        &t.names,
		"requestheader-username-headers":     &t.user,
		"requestheader-uid-headers":          &t.uid,
		"requestheader-group-headers":        &t.group,
		"requestheader-extra-headers-prefix": &t.extraStart,
	} {
		if data[key] == "" {
			continue
		}
		if err := json.Unmarshal([]byte(data[key]), list); err != nil {
			return nil, fmt.Errorf("%s is no list of words: %w", key, err)
		}
	}
	if len(t.user) == 0 {
		return nil, errors.New("requestheader-username-headers names no header")
	}
	return t, nil
}

func (p *frontProxy) clients() (*x509.CertPool, error) { return p.terms.Load().clients, nil }

func (p *frontProxy) names() []string { return p.terms.Load().names }

// userOf returns for whom the proxy speaks; ok is false if it does not say.
func (p *frontProxy) userOf(h http.Header) (u authorizationv1.SubjectAccessReviewSpec, ok bool) {
	t := p.terms.Load()
	u.User, u.UID = first(h, t.user), first(h, t.uid)
	for _, name := range t.group {
		u.Groups = append(u.Groups, h.Values(name)...)
	}
	// As every API server does: the aggregator's own discovery comes without any group.
	if u.User != "" && u.User != "system:anonymous" && !slices.Contains(u.Groups, "system:authenticated") {
		u.Groups = append(u.Groups, "system:authenticated")
	}
	for _, start := range t.extraStart {
		for name, values := range h {
			if len(name) <= len(start) || !strings.EqualFold(name[:len(start)], start) {
				continue
			}
			key := strings.ToLower(name[len(start):])
			if plain, err := url.PathUnescape(key); err == nil {
				key = plain
			}
			if u.Extra == nil {
				u.Extra = map[string]authorizationv1.ExtraValue{}
			}
			u.Extra[key] = append(u.Extra[key], values...)
		}
	}
	return u, u.User != ""
}

func first(h http.Header, names []string) string {
	for _, name := range names {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}
