package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"sigs.k8s.io/yaml"
)

// workflow writes the commands of a file of examples/ci, those that check out and
// install left out, as a shell script.
func workflow(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: workflow FILE SCRIPT")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "examples", "ci", args[0]))
	ts.Check(err)
	var file struct {
		Jobs map[string]struct {
			Steps []struct{ Name, Run, Uses string }
		}
		Job struct{ Script []string } `json:"forecast-accuracy"`
	}
	ts.Check(yaml.Unmarshal(text, &file))
	commands := file.Job.Script
	for _, job := range file.Jobs {
		for _, step := range job.Steps {
			if step.Uses != "" {
				ts.Fatalf("%s: uses %s, which nobody has pinned", args[0], step.Uses)
			}
			if step.Name != "check out" && step.Name != "install" {
				commands = append(commands, step.Run)
			}
		}
	}
	if len(commands) < 2 {
		ts.Fatalf("%s: found %d commands", args[0], len(commands))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(strings.Join(commands, "\n")+"\n"), 0o644))
}
