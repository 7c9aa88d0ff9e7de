package reports_test

import (
	"html"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

// chromium returns the browser that HINDCAST_CHROMIUM names, else one on PATH. Without any
// the test is skipped, but fails where CI is true; "none" says that there shall be none.
func chromium(t *testing.T) string {
	t.Helper()
	switch program := os.Getenv("HINDCAST_CHROMIUM"); program {
	case "":
	case "none":
		t.Skip("HINDCAST_CHROMIUM is none")
	default:
		return program
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	const missing = "no chromium or google-chrome on PATH, and HINDCAST_CHROMIUM is not set"
	if os.Getenv("CI") == "true" {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}

// inBrowser opens a page and returns the document that the browser made of it.
func inBrowser(t *testing.T, page string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), chromium(t), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--user-data-dir="+t.TempDir(), "--dump-dom", "file://"+page)
	cmd.WaitDelay = time.Minute
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return string(out)
}

// A browser makes of hostile names what we meant, text, and shows the pictures: its parser
// is not ours, and corrects what it takes for mistakes.
func TestPagesInABrowser(t *testing.T) {
	run := hostileRun(t)
	if err := reports.Write(run, run.Dir); err != nil {
		t.Fatal(err)
	}
	v := lived()
	v.Name, v.Metrics[0].Name, v.Reasons[0].Name, v.Modes[0].Name = hostileTrace, hostileTrace, hostileTrace, hostileTrace
	v.Notes, v.Controllers[0].Labels, v.Server = []string{hostileTrace}, hostileTrace, hostileTrace
	live := filepath.Join(t.TempDir(), "live")
	if err := reports.WriteLive(v, live); err != nil {
		t.Fatal(err)
	}
	for name, page := range map[string]string{"run": filepath.Join(run.Dir, result.HTMLFile), "live": filepath.Join(live, result.HTMLFile)} {
		t.Run(name, func(t *testing.T) {
			file, err := os.ReadFile(page)
			if err != nil {
				t.Fatal(err)
			}
			dom := inBrowser(t, page)
			if m := regexp.MustCompile(`<(img|script|iframe|object|embed)\b|\son[a-z]+=`).FindString(withoutText(dom)); m != "" {
				t.Errorf("a name became %q", m)
			}
			for _, tag := range []string{"<svg", "<table", "<section", "<h2"} {
				if got, want := strings.Count(dom, tag), strings.Count(string(file), tag); got != want || want == 0 {
					t.Errorf("%d %s in the browser, %d in the file", got, tag, want)
				}
			}
			if !strings.Contains(html.UnescapeString(dom), "</script><img onerror=alert(1) src=x>") {
				t.Error("the name does not show as text")
			}
		})
	}
}

// withoutText leaves the tags of a document, and of them no quoted values.
func withoutText(dom string) string {
	tags := strings.Join(regexp.MustCompile(`<[a-zA-Z](?:[^>"]|"[^"]*")*>`).FindAllString(dom, -1), "\n")
	return regexp.MustCompile(`"[^"]*"`).ReplaceAllString(tags, `""`)
}
