package main

import (
	"errors"
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"hindcast": main})
}

// TestScripts runs testdata/script. Beside the usual commands of testscript they have
//
//	exits CODE ARG...        runs hindcast, which must exit with the code
//	refuses MESSAGE ARG...   runs hindcast, which must exit with 2, say just this on
//	                         standard error, where \n stands for a new line, nothing on
//	                         standard output, and change no file
//	workflow FILE SCRIPT     writes the commands of a file of examples/ci as a script
//
// and those of servers.
func TestScripts(t *testing.T) {
	prom := &servers{t: t}
	examples, err := filepath.Abs("../../examples")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Condition:           prom.condition,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":    exits,
			"refuses":  refuses,
			"workflow": workflow,

			"livestory":   prom.liveStory,
			"prometheus":  prom.prometheus,
			"queriesonly": prom.queriesOnly,
			"expected":    expected,
		},
		Setup: func(e *testscript.Env) error {
			// What is left behind in the temporary folder shows too.
			e.Setenv("TMPDIR", filepath.Join(e.WorkDir, ".tmp"))
			e.Setenv("EXAMPLES", examples)
			return nil
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE ARG...")
	}
	if code := exitCode(ts, args[1:]); strconv.Itoa(code) != args[0] {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

func refuses(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: refuses MESSAGE ARG...")
	}
	before := tree(ts)
	code := exitCode(ts, args[1:])
	if code != exitBad {
		ts.Fatalf("exit code %d, want %d", code, exitBad)
	}
	want := "hindcast: " + strings.ReplaceAll(args[0], `\n`, "\n  ") + "\n"
	if d := cmp.Diff(want, ts.ReadFile("stderr")); d != "" {
		ts.Fatalf("standard error (-want +got):\n%s", d)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("standard output is not empty:\n%s", out)
	}
	if d := cmp.Diff(before, tree(ts)); d != "" {
		ts.Fatalf("files (-before +after):\n%s", d)
	}
}

func exitCode(ts *testscript.TestScript, args []string) int {
	err := ts.Exec("hindcast", args...)
	if err == nil {
		return 0
	}
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok {
		ts.Fatalf("run hindcast: %v", err)
	}
	return exit.ExitCode()
}

// tree lists all files and folders of the script.
func tree(ts *testscript.TestScript) []string {
	names, err := files(ts.Getenv("WORK"))
	ts.Check(err)
	return names
}

func files(root string) ([]string, error) {
	var names []string
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	slices.Sort(names)
	return names, err
}
