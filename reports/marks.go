package reports

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// xy is a point in data coordinates; a NaN y breaks a line.
type xy struct{ x, y float64 }

// line draws points joined by straight lines, broken at gaps.
type line struct {
	points []xy
	pen    pen
}

func (l line) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var run []vg.Point
	flush := func() {
		if len(run) > 1 {
			c.StrokeLines(l.pen.line(), c.ClipLinesXY(run)...)
		}
		run = run[:0]
	}
	for _, pt := range l.points {
		if math.IsNaN(pt.y) {
			flush()
			continue
		}
		run = append(run, vg.Point{X: x(pt.x), Y: y(pt.y)})
	}
	flush()
}

func (l line) Thumbnail(c *draw.Canvas) {
	mid := c.Center().Y
	c.StrokeLine2(l.pen.line(), c.Min.X, mid, c.Max.X, mid)
}

// dots draws a marker at each point, and a line through them where joined.
type dots struct {
	line
	joined bool
	radius vg.Length
}

func (d dots) Plot(c draw.Canvas, p *plot.Plot) {
	if d.joined {
		d.line.Plot(c, p)
	}
	x, y := p.Transforms(&c)
	for _, pt := range d.points {
		if at := (vg.Point{X: x(pt.x), Y: y(pt.y)}); !math.IsNaN(pt.y) && c.Contains(at) {
			c.DrawGlyphNoClip(d.pen.marker(d.radius), at)
		}
	}
}

func (d dots) Thumbnail(c *draw.Canvas) {
	if d.joined {
		d.line.Thumbnail(c)
	}
	c.DrawGlyphNoClip(d.pen.marker(min(d.radius, 3.5)), c.Center())
}

// area fills between low and high, which share their x; a NaN in either is a gap.
type area struct {
	low, high []xy
	color     color.Color
}

func (a area) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	start := 0
	for i := 0; i <= len(a.low); i++ {
		if i < len(a.low) && !math.IsNaN(a.low[i].y) && !math.IsNaN(a.high[i].y) {
			continue
		}
		a.fill(c, x, y, start, i)
		start = i + 1
	}
}

// fill draws the stretch [from, to), leaving out where the area has no height.
func (a area) fill(c draw.Canvas, x, y func(float64) vg.Length, from, to int) {
	flat := func(i int) bool { return a.low[i].y == a.high[i].y }
	for i := from; i < to; i++ {
		if flat(i) {
			continue
		}
		end := i
		for end < to && !flat(end) {
			end++
		}
		lo, hi := max(i-1, from), min(end+1, to)
		var poly []vg.Point
		for k := lo; k < hi; k++ {
			poly = append(poly, vg.Point{X: x(a.high[k].x), Y: y(a.high[k].y)})
		}
		for k := hi - 1; k >= lo; k-- {
			poly = append(poly, vg.Point{X: x(a.low[k].x), Y: y(a.low[k].y)})
		}
		c.FillPolygon(a.color, c.ClipPolygonXY(poly))
		i = end
	}
}

func (a area) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(a.color, []vg.Point{
		{X: c.Min.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Max.Y}, {X: c.Min.X, Y: c.Max.Y},
	})
}

// stretch shades a range of x over the whole height, with a word at its top.
type stretch struct {
	from, to float64
	word     string
}

func (s stretch) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	x0, x1 := max(x(s.from), c.Min.X), min(x(s.to), c.Max.X)
	if x1 <= x0 {
		return
	}
	c.FillPolygon(ink(20), []vg.Point{{X: x0, Y: c.Min.Y}, {X: x1, Y: c.Min.Y}, {X: x1, Y: c.Max.Y}, {X: x0, Y: c.Max.Y}})
	style := textStyle(9, draw.XLeft, draw.YTop)
	style.Color = ink(180)
	if style.Width(s.word)+8 < x1-x0 {
		c.FillText(style, vg.Point{X: x0 + 4, Y: c.Max.Y - 3}, s.word)
	}
}

// A happening marks a stretch of time, or an instant, over the whole height, with a word at its
// foot.
type happening struct {
	from, to float64
	word     string
}

func (h happening) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	if x(h.to) < c.Min.X || x(h.from) > c.Max.X {
		return
	}
	x0, x1 := max(x(h.from), c.Min.X), min(x(h.to), c.Max.X)
	h.fill(c, x0, x1)
	pen := pen{color: vermillion, width: 0.8}
	c.StrokeLine2(pen.line(), x0, c.Min.Y, x0, c.Max.Y)
	style := textStyle(8, draw.XLeft, draw.YBottom)
	style.Color = vermillion
	c.FillText(style, vg.Point{X: x0 + 2, Y: c.Min.Y + 2}, h.word)
}

func (happening) fill(c draw.Canvas, x0, x1 vg.Length) {
	if x1 > x0 {
		c.FillPolygon(faint(vermillion, 70), []vg.Point{{X: x0, Y: c.Min.Y}, {X: x1, Y: c.Min.Y}, {X: x1, Y: c.Max.Y}, {X: x0, Y: c.Max.Y}})
	}
}

func (h happening) Thumbnail(c *draw.Canvas) {
	mid := c.Center().X
	h.fill(*c, mid, c.Max.X)
	c.StrokeLine2(pen{color: vermillion, width: 0.8}.line(), mid, c.Min.Y, mid, c.Max.Y)
}

// level is a horizontal line through the whole picture, named at its right end.
type level struct {
	y    float64
	word string
	pen  pen
}

func (l level) Plot(c draw.Canvas, p *plot.Plot) {
	_, y := p.Transforms(&c)
	at := y(l.y)
	if !c.ContainsY(at) {
		return
	}
	c.StrokeLine2(l.pen.line(), c.Min.X, at, c.Max.X, at)
	style := textStyle(9, draw.XRight, draw.YBottom)
	style.Color = ink(200)
	if at > c.Max.Y-12 {
		style.YAlign = draw.YTop
	}
	c.FillText(style, vg.Point{X: c.Max.X - 3, Y: at + 1.5}, l.word)
}

// upright is a vertical line through the whole picture, named at its top.
type upright struct {
	x    float64
	word string
	pen  pen
}

func (u upright) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	at := x(u.x)
	if !c.ContainsX(at) {
		return
	}
	c.StrokeLine2(u.pen.line(), at, c.Min.Y, at, c.Max.Y)
	style := textStyle(9, draw.XLeft, draw.YTop)
	style.Color = ink(200)
	if at > c.Center().X {
		style.XAlign = draw.XRight
	}
	c.FillText(style, vg.Point{X: at + 4*vg.Length(1+2*style.XAlign), Y: c.Max.Y - 3}, u.word)
}

// corner names a panel in its upper left corner.
type corner struct{ word string }

func (k corner) Plot(c draw.Canvas, _ *plot.Plot) {
	style := textStyle(10, draw.XLeft, draw.YTop)
	style.Font.Weight = bold
	c.FillText(style, vg.Point{X: c.Min.X + 5, Y: c.Max.Y - 3}, fit(style, k.word, figureWidth/2))
}

func dashed(lengths ...vg.Length) []vg.Length { return lengths }
