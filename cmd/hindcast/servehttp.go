package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strconv"
	"strings"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/promdb/promapi"
)

// newServer returns a server of a run: the API, the report, and the files that it links.
func newServer(ctx context.Context, api http.Handler, files fs.FS, s serving) *http.Server {
	mux := http.NewServeMux()
	mux.Handle(promapi.Prefix, noOtherSites(api))
	mux.HandleFunc("GET /-/healthy", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hindcast is healthy.\n")) })
	mux.HandleFunc("GET /-/ready", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hindcast is ready.\n")) })
	mux.Handle("/", runFiles{files})
	// Queries under way end with the program, a moment after it was asked to.
	requests := context.WithoutCancel(ctx)
	return &http.Server{
		Handler:           onlyKnownHosts(mux, s.hosts),
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      s.timeout + time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    1 << 16,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
}

// onlyKnownHosts answers only to hosts that this server is known by: a page of a stranger
// whose name was made to point at this machine would be another (DNS rebinding).
// Addresses are nobody's to give away.
func onlyKnownHosts(h http.Handler, names []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; form-action 'none'; base-uri 'none'")
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !knownHost(r.Host, names) {
			http.Error(w, "this host name is not known here; start with --allow-host to allow it", http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func knownHost(host string, names []string) bool {
	name := host
	if h, port, err := net.SplitHostPort(host); err == nil {
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			return false
		}
		name = h
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil || name == "localhost" {
		return true
	}
	for _, known := range names {
		if known = strings.ToLower(strings.TrimSuffix(known, ".")); known != "" && known == name {
			return true
		}
	}
	return false
}

// noOtherSites refuses what a browser sends on behalf of another site's page: it could
// not read the answer, but keep this machine busy. Grafana asks from its server.
func noOtherSites(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch site := r.Header.Get("Sec-Fetch-Site"); site {
		case "", "same-origin", "none":
			h.ServeHTTP(w, r)
		default:
			http.Error(w, "pages of other sites are not answered", http.StatusForbidden)
		}
	})
}

// runFiles serves the report of a run and the files that it links to, no other.
type runFiles struct{ files fs.FS }

func (f runFiles) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.Error(w, "a run is read-only", http.StatusMethodNotAllowed)
		return
	}
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		if _, err := fs.Stat(f.files, result.HTMLFile); errors.Is(err, fs.ErrNotExist) {
			http.Error(w, "the run has no report; `hindcast report` draws it", http.StatusNotFound)
			return
		}
		http.ServeFileFS(w, r, f.files, result.HTMLFile)
		return
	}
	if !linked(name) {
		http.NotFound(w, r)
		return
	}
	// Rule files have the names that their writers gave them: .yml, .rules, anything.
	if path.Ext(name) == ".yaml" || path.Ext(name) == ".md" || path.Dir(name) == result.RulesDir {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	http.FileServerFS(f.files).ServeHTTP(w, r)
}

// linked reports whether a report may link to a file of its run.
func linked(name string) bool {
	switch name {
	case result.HTMLFile, result.MarkdownFile, result.ResultFile, result.TimingFile, result.ExperimentFile:
		return true
	}
	first, _, _ := strings.Cut(name, "/")
	return first == result.PlotsDir || first == result.RunsDir || first == result.ForecastsDir || first == result.RulesDir
}
