package reports_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hindcast.dev/backtest/result"
	"hindcast.dev/reports"
)

// written draws the report of a synthetic run and returns its files by name.
func written(t testing.TB, s synthetic) map[string][]byte {
	t.Helper()
	f := s.folder(t, t.TempDir())
	if err := reports.Write(f, f.Dir); err != nil {
		t.Fatal(err)
	}
	out := map[string][]byte{}
	for _, pattern := range []string{result.HTMLFile, result.MarkdownFile, result.PlotsDir + "/*"} {
		names, err := filepath.Glob(filepath.Join(f.Dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			rel, err := filepath.Rel(f.Dir, name)
			if err != nil {
				t.Fatal(err)
			}
			out[filepath.ToSlash(rel)] = data
		}
	}
	return out
}

// element is a start tag with the text directly and indirectly inside it.
type element struct {
	name  string
	attrs map[string]string
	text  string
}

// elements parses XML, or the page, which is written so that it is XML but for its
// doctype; it fails on anything that is not well-formed.
func elements(t *testing.T, data []byte) []element {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	d.Entity = xml.HTMLEntity
	var all []element
	var open []int
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("not well-formed: %v", err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := element{name: token.Name.Local, attrs: map[string]string{}}
			for _, a := range token.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			open = append(open, len(all))
			all = append(all, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, i := range open {
				all[i].text += string(token)
			}
		}
	}
}

var pictureNames = []string{
	"frontiers", "load", "zoom", "replicas-static", "replicas-hpa", "replicas-v2", "replicas-v3", "replicas-oracle",
	"latency", "forecast", "accuracy",
}

func TestWrite(t *testing.T) {
	files := written(t, synthetic{days: 10, name: "shop"})
	t.Run("page", func(t *testing.T) { checkPage(t, files[result.HTMLFile]) })
	t.Run("pictures", func(t *testing.T) { checkPictures(t, files) })
	t.Run("again", func(t *testing.T) {
		for name, data := range written(t, synthetic{days: 10, name: "shop"}) {
			if !bytes.Equal(data, files[name]) {
				t.Errorf("%s differs between two renderings", name)
			}
		}
	})
}

func checkPage(t *testing.T, page []byte) {
	t.Helper()
	all := elements(t, page)
	count := map[string]int{}
	for _, e := range all {
		count[e.name]++
		for name, v := range e.attrs {
			if strings.HasPrefix(name, "on") || strings.Contains(v, "://") && name != "xmlns" {
				t.Errorf("<%s> has %s=%q", e.name, name, v)
			}
			if (name == "src" || name == "srcset") && !strings.HasPrefix(v, "data:") {
				t.Errorf("<%s> loads %q", e.name, v)
			}
		}
		if e.name == "meta" && e.attrs["http-equiv"] == "Content-Security-Policy" {
			if want := "default-src 'none'; style-src 'unsafe-inline'; img-src data:"; e.attrs["content"] != want {
				t.Errorf("policy %q, want %q", e.attrs["content"], want)
			}
			count["policy"]++
		}
	}
	if count["script"]+count["link"]+count["iframe"]+count["object"] > 0 || count["policy"] != 1 {
		t.Errorf("the page is not inert: %v", count)
	}
	if n := len(pictureNames); count["figure"] != n || count["figcaption"] != n || count["svg"] != n {
		t.Errorf("%d figures, %d captions, %d pictures, want %d each", count["figure"], count["figcaption"], count["svg"], n)
	}
	for _, text := range []string{
		"v3 serves 99.9 % of requests in time for 22 % (19 to 25) less money than v2",
		"v3 is better than v2", "The load is synthetic", "static (hindsight)", "oracle (hindsight)",
		"The denominator is the demand", "Paired moving-block bootstrap", "kind: Experiment", "runs/v2/timeline.csv.gz",
		"scored for nobody",
	} {
		if !strings.Contains(html.UnescapeString(string(page)), text) {
			t.Errorf("the page does not say %q", text)
		}
	}
	if m := regexp.MustCompile(`>[^<]*\b(NaN|Inf|null)\b[^<]*<`).Find(page); m != nil {
		t.Errorf("a number without a value shows: %s", m)
	}
	if n := len(page); n > 3<<20 {
		t.Errorf("the page has %d bytes", n)
	}
}

func checkPictures(t *testing.T, files map[string][]byte) {
	t.Helper()
	if want, got := 2*len(pictureNames)+2, len(files); got != want {
		t.Errorf("%d files, want %d", got, want)
	}
	unit := regexp.MustCompile(`\((requests/s|UTC|%.*|minutes.*|currency units.*|pod-hours.*|.*days.*)\)$|^(ready )?replicas$|^seconds$`)
	for _, name := range pictureNames {
		svg := files["plots/"+name+".svg"]
		all := elements(t, svg)
		if len(all) < 4 || all[0].name != "svg" || all[0].attrs["role"] != "img" || len(all[0].attrs["aria-label"]) < 40 {
			t.Errorf("%s: no text alternative", name)
			continue
		}
		if all[1].name != "title" || all[1].text == "" || all[2].name != "desc" || len(all[2].text) < 40 {
			t.Errorf("%s: no title or description", name)
		}
		// Labels of axes are the texts at 10 points that are turned or centred on an
		// axis: each panel has one for y, each picture one for x.
		turned, named := 0, 0
		for _, e := range all {
			if e.name != "text" || e.attrs["font-size"] != "10" {
				continue
			}
			if strings.HasPrefix(e.attrs["transform"], "rotate(-90 ") {
				turned++
				if !unit.MatchString(e.text) {
					t.Errorf("%s: y axis %q names no unit", name, e.text)
				}
			} else if unit.MatchString(e.text) {
				named++
			}
		}
		if turned == 0 || named == 0 {
			t.Errorf("%s: %d y axes and %d x axes name a unit", name, turned, named)
		}
		if bytes.Contains(svg, []byte("NaN")) || bytes.Contains(svg, []byte("Inf")) {
			t.Errorf("%s: a coordinate has no value", name)
		}
		img, err := png.Decode(bytes.NewReader(files["plots/"+name+".png"]))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if b := img.Bounds(); b.Dx() != 1440 || b.Dy() < 300 {
			t.Errorf("%s: %v pixels", name, b)
		}
	}
}

// drawn returns the page and the Markdown of a synthetic run.
func drawn(t *testing.T, s synthetic) (page, text string) {
	t.Helper()
	f := s.folder(t, t.TempDir())
	var p, m bytes.Buffer
	if err := errors.Join(reports.HTML(&p, f), reports.Markdown(&m, f)); err != nil {
		t.Fatal(err)
	}
	return p.String(), m.String()
}

// A minute's timeline of a quarter of a year must not make a picture that a browser
// chokes on.
func TestLongRunStaysSmall(t *testing.T) {
	var b bytes.Buffer
	if err := reports.HTML(&b, synthetic{days: 87, name: "worldcup", plain: true}.folder(t, t.TempDir())); err != nil {
		t.Fatal(err)
	}
	page := b.String()
	if n := len(page); n > 3<<20 {
		t.Errorf("the page has %d bytes", n)
	}
	for i, svg := range strings.Split(page, "<svg ")[1:] {
		if n := strings.Index(svg, "</svg>"); n > 300_000 || n < 0 {
			t.Errorf("picture %d has %d bytes", i, n)
		}
	}
}

func TestRelativeTime(t *testing.T) {
	page, text := drawn(t, synthetic{days: 8, name: "trace", relative: true})
	_, body, _ := strings.Cut(page, "</style>")
	for _, s := range []string{body, text} {
		if m := regexp.MustCompile(`.{0,40}(2025|\bJun\b|UTC).{0,40}`).FindString(s); m != "" {
			t.Errorf("a date of a source that has none: %q", m)
		}
	}
	for _, s := range []string{"day 3</text>", "scored from day 3, 00:00"} {
		if !strings.Contains(page, s) {
			t.Errorf("the page does not say %q", s)
		}
	}
}

func TestNoVerdictSaysHowToGetOne(t *testing.T) {
	page, text := drawn(t, synthetic{days: 8, name: "shop", plain: true})
	for _, s := range []string{"no verdict", "No comparison at equal SLA was made", "--equal-sla"} {
		if !strings.Contains(page, s) || !strings.Contains(text, s) {
			t.Errorf("the report does not say %q", s)
		}
	}
	if strings.Contains(page, "Forecast accuracy by horizon") || strings.Contains(page, "Compared at") {
		t.Error("the page shows forecasts or comparisons that were not made")
	}
}

func TestMissingTimelineIsSaid(t *testing.T) {
	f := synthetic{days: 8, name: "shop"}.folder(t, t.TempDir())
	if err := os.RemoveAll(filepath.Join(f.Dir, result.RunsDir, "v2")); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := reports.HTML(&b, f); err != nil {
		t.Fatal(err)
	}
	if want := "The timeline of v2 is not in this folder"; !strings.Contains(b.String(), want) {
		t.Errorf("the page does not say %q", want)
	}
}

func TestBrokenTimelineIsAnError(t *testing.T) {
	f := synthetic{days: 8, name: "shop"}.folder(t, t.TempDir())
	name := filepath.Join(f.Dir, result.RunsDir, "hpa", result.TimelineFile)
	if err := os.Truncate(name, 1000); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	err := reports.Write(f, out)
	if err == nil || !strings.Contains(err.Error(), "timeline of hpa") || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v, want an error that names the timeline of hpa", err)
	}
	if _, err := os.Stat(filepath.Join(out, result.HTMLFile)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a report of a broken run is written: %v", err)
	}
}

func BenchmarkWriteQuarter(b *testing.B) {
	f := synthetic{days: 87, name: "worldcup"}.folder(b, b.TempDir())
	for b.Loop() {
		if err := reports.Write(f, f.Dir); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHTMLQuarter(b *testing.B) {
	f := synthetic{days: 87, name: "worldcup"}.folder(b, b.TempDir())
	for b.Loop() {
		if err := reports.HTML(io.Discard, f); err != nil {
			b.Fatal(err)
		}
	}
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
