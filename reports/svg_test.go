package reports

import (
	"encoding/xml"
	"math"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

// decodePath reads the moves and lines of an SVG path back to absolute points.
func decodePath(t *testing.T, d string) [][2]float64 {
	t.Helper()
	tokens := regexp.MustCompile(`[A-Za-z]|-?[0-9]*\.?[0-9]+`).FindAllString(d, -1)
	var out [][2]float64
	var x, y float64
	next := func() float64 {
		v, err := strconv.ParseFloat(tokens[0], 64)
		if err != nil {
			t.Fatalf("path %q: %v", d, err)
		}
		tokens = tokens[1:]
		return v
	}
	for len(tokens) > 0 {
		op := tokens[0]
		tokens = tokens[1:]
		switch op {
		case "M":
			x, y = next(), next()
		case "l":
			x, y = x+next(), y+next()
		case "h":
			x += next()
		case "v":
			y += next()
		case "Z":
			continue
		default:
			t.Fatalf("path %q: unexpected %q", d, op)
		}
		out = append(out, [2]float64{x, y})
	}
	return out
}

// However long a path, rounding must not add up: each point is within half a tenth
// of where it belongs.
func TestSVGPathsDoNotDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	c := newSVGCanvas(700, 300)
	var p vg.Path
	var want [][2]float64
	x := 0.0
	for i := range 2000 {
		x += 0.2 + rng.Float64()
		y := 300 * rng.Float64()
		pt := vg.Point{X: vg.Length(x), Y: vg.Length(y)}
		if i%500 == 0 {
			p.Move(pt)
		} else {
			p.Line(pt)
		}
		want = append(want, [2]float64{x, 300 - y})
	}
	c.Stroke(p)
	d := regexp.MustCompile(` d="([^"]*)"`).FindStringSubmatch(c.body.String())[1]
	got := decodePath(t, d)
	if len(got) != len(want) {
		t.Fatalf("%d points, want %d", len(got), len(want))
	}
	for i := range want {
		if math.Abs(got[i][0]-want[i][0]) > 0.0501 || math.Abs(got[i][1]-want[i][1]) > 0.0501 {
			t.Fatalf("point %d at %v, want %v", i, got[i], want[i])
		}
	}
}

func TestSVGTransforms(t *testing.T) {
	c := newSVGCanvas(100, 100)
	c.Push()
	c.Translate(vg.Point{X: 10, Y: 20})
	c.Rotate(math.Pi / 2)
	c.Scale(2, 2)
	// (3, 1) scaled is (6, 2), turned left (-2, 6), moved (8, 26).
	if x, y := c.place(vg.Point{X: 3, Y: 1}); x != 80 || y != 740 {
		t.Errorf("placed at (%d, %d) tenths, want (80, 740)", x, y)
	}
	c.Pop()
	if x, y := c.place(vg.Point{X: 3, Y: 1}); x != 30 || y != 990 {
		t.Errorf("after Pop at (%d, %d) tenths, want (30, 990)", x, y)
	}
}

func TestSVGInkFollowsThePage(t *testing.T) {
	c := newSVGCanvas(100, 100)
	style := textStyle(10, 0, 0)
	style.Handler.Draw(c, `</text><script>"&`, style, vg.Point{X: 5, Y: 5})
	c.SetColor(blue)
	var p vg.Path
	p.Arc(vg.Point{X: 50, Y: 50}, 10, 0, 2*math.Pi)
	c.Fill(p)
	got := c.body.String()
	if !strings.Contains(got, `fill="currentColor"`) || !strings.Contains(got, `fill="#0072b2"`) {
		t.Errorf("ink is not currentColor or blue is not blue: %s", got)
	}
	if strings.Contains(got, "<script") {
		t.Errorf("text is not escaped: %s", got)
	}
	if n := strings.Count(got, "A10 10 0 0 0 "); n != 2 {
		t.Errorf("a circle is drawn as %d arcs, want 2: %s", n, got)
	}
	if err := xml.Unmarshal([]byte("<svg>"+got+"</svg>"), new(struct{})); err != nil {
		t.Error(err)
	}
}
