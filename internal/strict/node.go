package strict

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A pair is one entry of a mapping.
type pair struct {
	key   string
	at    *yaml.Node // the key
	value *yaml.Node
}

// pairs returns the entries of a mapping in the order of the file, those merged
// into it (<<) last, and complains about other nodes and about repeated keys.
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	if n.Kind != yaml.MappingNode {
		d.fault(n, path, "expected a mapping, got "+describe(n))
		return nil
	}
	var all []pair
	seen := make(map[string]int, len(n.Content)/2)
	var merged []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.ShortTag() == "!!merge" {
			merged = append(merged, v)
			continue
		}
		name, ok := d.key(k, path)
		if !ok {
			continue
		}
		if line, twice := seen[name]; twice {
			d.fault(k, entryOrField(path, name), "stands twice, first on line "+strconv.Itoa(line)+"; remove one")
			continue
		}
		seen[name] = k.Line
		all = append(all, pair{name, k, v})
	}
	for _, m := range merged {
		all = d.merge(m, path, all, seen)
	}
	return all
}

// merge adds the entries of m, a mapping or a list of mappings, whose keys are not
// there yet.
func (d *decoder) merge(m *yaml.Node, path string, all []pair, seen map[string]int) []pair {
	m = resolve(m)
	if !d.enter(m, path) {
		return all
	}
	defer d.leave()
	if m.Kind == yaml.SequenceNode {
		for _, item := range m.Content {
			all = d.merge(item, path, all, seen)
		}
		return all
	}
	for _, p := range d.pairs(m, path) {
		if _, there := seen[p.key]; !there {
			seen[p.key] = p.at.Line
			all = append(all, p)
		}
	}
	return all
}

// key returns the text of a key, or false after a fault.
func (d *decoder) key(k *yaml.Node, path string) (string, bool) {
	k = resolve(k)
	if k.Kind != yaml.ScalarNode {
		d.fault(k, path, "expected a string as a key, got "+describe(k))
		return "", false
	}
	_, isBool := oldBool(k)
	tag := k.ShortTag()
	isText := tag == "!!str" || tag == "!!int" && isDecimal(k.Value)
	if isBool || !isText {
		d.fault(k, path, "expected a string as a key, got "+describe(k)+"; put it in quotes")
		return "", false
	}
	return k.Value, true
}

// resolve follows an alias.
func resolve(n *yaml.Node) *yaml.Node {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Tag == "!!null"
}

// describe names a node in a message: its value, shortened, or its kind.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isNull(n):
		return "nothing"
	}
	const longest = 40
	text := []rune(n.Value)
	if len(text) > longest {
		text = append(text[:longest], '…')
	}
	if n.ShortTag() == "!!str" {
		return strconv.Quote(string(text))
	}
	return printable(string(text))
}

// join appends the name of a field to a path.
func join(path, name string) string {
	if path == "" {
		return printable(name)
	}
	return path + "." + printable(name)
}

// entry appends a key of a map to a path.
func entry(path, key string) string { return path + "[" + printable(key) + "]" }

// entryOrField appends a key of which nobody knows yet what it is.
func entryOrField(path, key string) string {
	if strings.ContainsAny(key, "./ ") {
		return entry(path, key)
	}
	return join(path, key)
}

// printable keeps a hostile key from breaking a message into lines.
func printable(key string) string {
	if q := strconv.Quote(key); q != `"`+key+`"` {
		return q
	}
	return key
}

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
