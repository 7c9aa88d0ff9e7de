package reports

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"hindcast.dev/backtest/result"
)

// ink is the colour of text and axes with the given opacity of 255. In SVG it
// becomes currentColor, so that a picture follows the page into dark mode.
type ink uint8

// RGBA gives a near black for canvases that know nothing of a page.
func (k ink) RGBA() (r, g, b, a uint32) {
	return color.NRGBA{R: 0x1f, G: 0x23, B: 0x28, A: uint8(k)}.RGBA()
}

// The colours of Okabe and Ito, "Color Universal Design" (2008), told apart with
// all common kinds of colour blindness; yellow is left out, since it vanishes on
// white.
var (
	blue       = color.NRGBA{R: 0x00, G: 0x72, B: 0xB2, A: 0xff}
	vermillion = color.NRGBA{R: 0xD5, G: 0x5E, B: 0x00, A: 0xff}
	green      = color.NRGBA{R: 0x00, G: 0x9E, B: 0x73, A: 0xff}
	purple     = color.NRGBA{R: 0xCC, G: 0x79, B: 0xA7, A: 0xff}
	sky        = color.NRGBA{R: 0x56, G: 0xB4, B: 0xE9, A: 0xff}
	orange     = color.NRGBA{R: 0xE6, G: 0x9F, B: 0x00, A: 0xff}
)

func faint(c color.NRGBA, alpha uint8) color.NRGBA {
	c.A = alpha
	return c
}

// haze is a colour as a faint ground for lines of the same colour.
func haze(c color.Color) color.Color {
	if c, ok := c.(color.NRGBA); ok {
		return faint(c, 80)
	}
	return ink(56)
}

// A pen draws one series: colour, dashes and marker differ together, so that a grey
// print still tells series apart.
type pen struct {
	color color.Color
	width vg.Length
	dash  []vg.Length
	glyph draw.GlyphDrawer
}

func (p pen) line() draw.LineStyle {
	return draw.LineStyle{Color: p.color, Width: p.width, Dashes: p.dash}
}

func (p pen) marker(radius vg.Length) draw.GlyphStyle {
	return draw.GlyphStyle{Color: p.color, Radius: radius, Shape: p.glyph}
}

// seriesPen returns the pen of the i-th ordinary series; only the first is solid.
func seriesPen(i int) pen {
	colors := [...]color.Color{blue, vermillion, green, purple, orange, sky}
	dashes := [...][]vg.Length{{5, 2}, {2, 1.5}, {7, 2, 1.5, 2}, {3, 1.5, 1, 1.5}, {9, 3}, {1, 2}, {6, 1}}
	glyphs := [...]draw.GlyphDrawer{
		draw.CircleGlyph{}, draw.BoxGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{}, draw.PlusGlyph{},
	}
	p := pen{color: colors[i%len(colors)], width: 1.2, glyph: glyphs[i%len(glyphs)]}
	if i > 0 {
		p.dash = dashes[(i-1)%len(dashes)]
	}
	return p
}

// referencePen returns the pen of the i-th series that is there to be measured
// against: in ink, never solid.
func referencePen(i int) pen {
	dashes := [...][]vg.Length{{1, 1.5}, {6, 3}, {3, 3}}
	glyphs := [...]draw.GlyphDrawer{draw.RingGlyph{}, draw.SquareGlyph{}, draw.TriangleGlyph{}}
	return pen{color: ink(200), width: 0.9, dash: dashes[i%len(dashes)], glyph: glyphs[i%len(glyphs)]}
}

// hindsight reports whether a policy knows the future or the whole record.
func hindsight(p result.Policy) bool {
	switch p.Kind {
	case "static", "oracle":
		return true
	case "":
		return p.Name == "static" || p.Name == "oracle"
	}
	return false
}

// candidate names the policy that is compared with the others.
func candidate(r *result.Result) string {
	if r.Verdict != nil {
		return r.Verdict.Candidate
	}
	if len(r.Comparisons) > 0 {
		return r.Comparisons[0].Candidate
	}
	for _, p := range r.Policies {
		if p.Name == "v3" {
			return p.Name
		}
	}
	return ""
}

// policyPens gives each policy its pen, the same in every picture: the candidate's
// is solid, blue and bold, those with hindsight are drawn in ink.
func policyPens(r *result.Result) []pen {
	first := candidate(r)
	pens := make([]pen, len(r.Policies))
	next, reference := 1, 0
	for i, p := range r.Policies {
		switch {
		case p.Name == first:
			pens[i] = seriesPen(0)
			pens[i].width = 1.8
		case hindsight(p):
			pens[i] = referencePen(reference)
			reference++
		default:
			pens[i] = seriesPen(next)
			next++
		}
	}
	return pens
}
