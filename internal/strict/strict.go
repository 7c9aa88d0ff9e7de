// Package strict reads YAML and JSON files into Go values and finds all that is
// wrong with them at once: fields that nobody reads, keys that stand twice, values
// of the wrong type. Every fault names file, line and path.
//
// It knows JSON struct tags and no kinds of objects, fills in no defaults and
// judges no values. What it accepts has the meaning that Kubernetes gives it
// (YAML 1.1, by way of JSON); where the dialects of YAML disagree, as on an
// unquoted yes where a string belongs, it refuses.
package strict

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Fault is one thing that is wrong with a file.
type Fault struct {
	File string // as given to Parse; may be empty
	Line int    // from 1
	Path string // such as spec.metrics[1].target; empty: the whole document
	Msg  string // what is wrong and what would be right, one line
}

// Error returns "file:line: path: message".
func (f *Fault) Error() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File + ":")
	} else {
		b.WriteString("line ")
	}
	b.WriteString(strconv.Itoa(f.Line) + ": ")
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	return b.String() + f.Msg
}

// A Node is a part of a file that is not decoded yet: a whole document, or the
// value of a field whose type is Node. The zero Node is absent.
type Node struct {
	file string
	path string
	yaml *yaml.Node
}

// Parse splits a file into its documents and leaves out empty ones. The file name
// is for messages only. The error is a *Fault.
func Parse(data []byte, file string) ([]Node, error) {
	var docs []Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return docs, nil
		}
		if err != nil {
			return nil, syntaxFault(err, file)
		}
		if len(doc.Content) != 1 || isNull(doc.Content[0]) {
			continue
		}
		docs = append(docs, Node{file: file, yaml: doc.Content[0]})
	}
}

var yamlLine = regexp.MustCompile(`^line ([0-9]+): `)

// syntaxFault takes the line out of a message of the YAML parser.
func syntaxFault(err error, file string) *Fault {
	msg := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: ")
	line := 1
	if m := yamlLine.FindStringSubmatch(msg); m != nil {
		line, _ = strconv.Atoi(m[1])
		msg = msg[len(m[0]):]
	}
	return &Fault{File: file, Line: line, Msg: "invalid YAML: " + msg}
}

// IsZero reports whether n is absent.
func (n Node) IsZero() bool { return n.yaml == nil }

// Line returns the line on which n begins, from 1; 0 if n is absent.
func (n Node) Line() int {
	if n.yaml == nil {
		return 0
	}
	return n.yaml.Line
}

// step is one part of a path: a key, or the place in a list.
var step = regexp.MustCompile(`[^.\[\]]+|\[\d+\]`)

// LineOf returns the line of what stands at a path within n, such as spec.metrics[1].target; of
// a field that is not there, the line of what it belongs into.
func (n Node) LineOf(path string) int {
	at, line := n.yaml, n.Line()
	for _, part := range step.FindAllString(path, -1) {
		if at == nil {
			break
		}
		key, value := within(resolve(at), part)
		if value == nil {
			break
		}
		at, line = value, key.Line
	}
	return line
}

// within returns what stands at a step within a mapping or a list, and where that begins.
func within(n *yaml.Node, part string) (begin, value *yaml.Node) {
	if number, ok := strings.CutPrefix(part, "["); ok {
		i, err := strconv.Atoi(strings.TrimSuffix(number, "]"))
		if err != nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
			return nil, nil
		}
		return n.Content[i], n.Content[i]
	}
	if n.Kind != yaml.MappingNode {
		return nil, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == part {
			return n.Content[i], n.Content[i+1]
		}
	}
	return nil, nil
}

// Fault returns an error about n as a whole.
func (n Node) Fault(format string, args ...any) error {
	return &Fault{File: n.file, Line: n.Line(), Path: n.path, Msg: fmt.Sprintf(format, args...)}
}

// FaultAt is Fault at the line of a path within n, which begins the message.
func (n Node) FaultAt(path, msg string) error {
	return &Fault{File: n.file, Line: n.LineOf(path), Path: n.path, Msg: msg}
}

// Text returns the string under the given key of a mapping, or "" where there is
// none.
func (n Node) Text(key string) string {
	v := n.child(key)
	if v == nil || v.Kind != yaml.ScalarNode || isNull(v) {
		return ""
	}
	return v.Value
}

// Items returns the elements of the list under the given key of a mapping, as
// documents of their own, or nil where there is none.
func (n Node) Items(key string) []Node {
	list := n.child(key)
	if list == nil || list.Kind != yaml.SequenceNode {
		return nil
	}
	items := make([]Node, len(list.Content))
	for i, v := range list.Content {
		items[i] = Node{file: n.file, path: join(n.path, key) + "[" + strconv.Itoa(i) + "]", yaml: v}
	}
	return items
}

func (n Node) child(key string) *yaml.Node {
	if n.yaml == nil {
		return nil
	}
	m := resolve(n.yaml)
	if m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			return resolve(m.Content[i+1])
		}
	}
	return nil
}

// Decode stores n in the value that v points to, by its JSON struct tags, and
// returns all faults, joined, each a *Fault. Keys are compared as they are
// written. After an error v holds what could be read.
func (n Node) Decode(v any) error {
	target := reflect.ValueOf(v)
	if target.Kind() != reflect.Pointer || target.IsNil() {
		panic("strict: Decode needs a pointer")
	}
	if n.yaml == nil {
		return n.Fault("nothing to read")
	}
	d := decoder{file: n.file, budget: maxNodes}
	d.value(n.yaml, n.path, target.Elem())
	return errors.Join(d.faults...)
}

// UnmarshalJSON keeps other JSON decoders from reading into a Node unnoticed.
func (n *Node) UnmarshalJSON([]byte) error {
	return errors.New("strict: a Node is read by package strict only")
}

var nodeType = reflect.TypeFor[Node]()
