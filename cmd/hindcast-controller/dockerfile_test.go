package main_test

import (
	"debug/elf"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// ignored returns whether .dockerignore keeps a file out of the build: of the patterns
// that match it, or a folder that it is in, the last decides.
func ignored(t *testing.T, file string) bool {
	t.Helper()
	out := false
	for line := range strings.Lines(text(t, ".dockerignore")) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, keep := strings.CutPrefix(line, "!")
		anywhere, isAnywhere := strings.CutPrefix(pattern, "**/")
		for at := file; at != "."; at = path.Dir(at) {
			name := at
			if isAnywhere {
				pattern, name = anywhere, path.Base(at)
			}
			match, err := path.Match(pattern, name)
			if err != nil {
				t.Fatalf(".dockerignore: %s: %v", line, err)
			}
			if match {
				out = !keep
			}
		}
	}
	return out
}

// TestDockerContext: .dockerignore lets in every file that the program is made of.
func TestDockerContext(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Dir,GoFiles,EmbedFiles", "./cmd/hindcast-controller")
	cmd.Dir = filepath.Join("..", "..")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs(cmd.Dir)
	if err != nil {
		t.Fatal(err)
	}
	ours := 0
	for list := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath, Dir     string
			GoFiles, EmbedFiles []string
		}
		if err := list.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(p.ImportPath, "hindcast.dev/") {
			continue
		}
		ours++
		for _, name := range append(p.GoFiles, p.EmbedFiles...) {
			file, err := filepath.Rel(root, filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if ignored(t, filepath.ToSlash(file)) {
				t.Errorf(".dockerignore leaves out %s, which the program is made of", file)
			}
		}
	}
	if ours < 8 {
		t.Errorf("only %d packages of ours", ours)
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		if ignored(t, file) {
			t.Errorf(".dockerignore leaves out %s", file)
		}
	}
	for _, file := range []string{".git/config", "bin/hindcast", "live/testdata/fleet-crd.yaml", "live/e2e_test.go", "sim/sim.go"} {
		if !ignored(t, file) {
			t.Errorf(".dockerignore lets in %s", file)
		}
	}
}

// TestDockerfileBuilds does what the Dockerfile says, for both platforms: its COPY and RUN
// lines as they stand, with what .dockerignore lets in, in a folder of its own; only the
// base images are not there.
func TestDockerfileBuilds(t *testing.T) {
	layout(t)
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		work, out := t.TempDir(), t.TempDir()
		stage := ""
		ran := 0
		for line := range strings.Lines(strings.ReplaceAll(text(t, "Dockerfile"), "\\\n", "")) {
			word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			switch {
			case word == "FROM":
				stage = rest
			case !strings.HasSuffix(stage, " AS build"):
			case word == "COPY":
				fields := strings.Fields(rest)
				for _, from := range fields[:len(fields)-1] {
					copyContext(t, from, filepath.Join(work, fields[len(fields)-1]))
				}
			case word == "RUN":
				// The only path outside of WORKDIR that it writes.
				cmd := exec.CommandContext(t.Context(), "/bin/sh", "-ec", strings.ReplaceAll(rest, "-o /", "-o "+out+"/"))
				cmd.Dir, cmd.Env = work, append(os.Environ(), "GOFLAGS=", "TARGETOS=linux", "TARGETARCH="+arch)
				if said, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("RUN %s: %v\n%s", rest, err, said)
				}
				ran++
			case word == "" || word == "#" || word == "WORKDIR" || word == "ARG":
			default:
				t.Fatalf("this test does not know %s", line)
			}
		}
		program, err := os.ReadFile(filepath.Join(out, "hindcast-controller"))
		if err != nil || ran != 2 {
			t.Fatalf("after %d commands: %v", ran, err)
		}
		static(t, arch, program, machine)
		if arch == runtime.GOARCH {
			said, err := exec.CommandContext(t.Context(), filepath.Join(out, "hindcast-controller"), "--help").CombinedOutput()
			if err != nil || !strings.Contains(string(said), "--prometheus") {
				t.Errorf("--help: %v\n%s", err, said)
			}
		}
	}
}

// copyContext copies a file or folder of the repository, as far as .dockerignore lets it in.
func copyContext(t *testing.T, from, to string) {
	t.Helper()
	root := filepath.Join("..", "..")
	out, err := exec.CommandContext(t.Context(), "git", "-C", root, "ls-files", "-z", "--", from).Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if ignored(t, name) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue // deleted, not yet committed
		}
		target := filepath.Join(to, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(target), 0o755)
		}
		if err == nil {
			err = os.WriteFile(target, content, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
