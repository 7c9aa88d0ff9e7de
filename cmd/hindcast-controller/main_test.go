package main_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hindcast.dev/internal/clustertest"
	"hindcast.dev/internal/promtest"
)

const patience = time.Minute

// TestTLSByDefault runs the program as an image does, with no flag about TLS: its metrics
// are served by TLS 1.2 or later and not in clear, and a signal ends it in good order.
func TestTLSByDefault(t *testing.T) {
	t.Parallel()
	c := clustertest.Start(t, filepath.Join("..", "..", "manifests", "crd"))
	address := promtest.FreeAddress(t)
	stop := c.RunController(t, "--namespace", c.Namespace(t), "--prometheus", "http://127.0.0.1:1", "--metrics-address", address, "--probe-address", "0")
	for deadline := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		body, err := ask(t.Context(), "https://"+address+"/metrics", &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			if !strings.Contains(body, "process_cpu_seconds_total") {
				t.Errorf("metrics are %.200s", body)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("no metrics after %v: %v", patience, err)
			break
		}
	}
	if body, err := ask(t.Context(), "http://"+address+"/metrics", nil); err == nil && strings.Contains(body, "process_") {
		t.Error("metrics are served in clear")
	}
	if _, err := ask(t.Context(), "https://"+address+"/metrics", &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11}); err == nil {
		t.Error("TLS 1.1 is accepted")
	}
	if code := stop(); code != 0 {
		t.Errorf("exit code %d after a signal", code)
	}
}

func ask(ctx context.Context, url string, config *tls.Config) (string, error) {
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// TestImage reads both ways to build the image: they start from the same base, which has no
// root and no shell, and hold a program that links nothing at run time.
func TestImage(t *testing.T) {
	docker, ko := text(t, "Dockerfile"), text(t, ".ko.yaml")
	stages := strings.Split(docker, "\nFROM ")
	last := stages[len(stages)-1]
	base, _, _ := strings.Cut(last, "\n")
	if !strings.HasPrefix(base, "gcr.io/distroless/static-") || !strings.HasSuffix(base, ":nonroot") {
		t.Errorf("base of the image: %s", base)
	}
	if !strings.Contains(ko, "defaultBaseImage: "+base+"\n") {
		t.Errorf("ko starts from another base than %s:\n%s", base, ko)
	}
	user := regexp.MustCompile(`(?m)^USER (\d+):\d+$`).FindStringSubmatch(last)
	if user == nil || user[1] == "0" {
		t.Error("the image has no numeric user other than root, as runAsNonRoot wants")
	}
	if regexp.MustCompile(`(?m)^RUN `).MatchString(last) {
		t.Error("the last stage runs a command, and has no shell")
	}
	for file, text := range map[string]string{"Dockerfile": docker, ".ko.yaml": ko} {
		if !strings.Contains(text, "CGO_ENABLED=0") {
			t.Errorf("%s: the program may link libraries that the base lacks", file)
		}
		if !strings.Contains(text, "linux/arm64") || !strings.Contains(text, "linux/amd64") {
			t.Errorf("%s names not both platforms", file)
		}
	}
}

func text(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("..", "..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
