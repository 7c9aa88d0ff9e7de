package reports

import (
	"bytes"
	"fmt"
	"html"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// columns is into how many columns a time axis is thinned, about one for each one
// and a half points of a picture.
const columns = 440

const figureWidth vg.Length = 720

// figure is one picture of the report: panels below each other on a common x axis,
// under a title and a legend that covers no data.
type figure struct {
	name    string // of its files, without extension
	title   string
	caption string // what to see
	alt     string // what is drawn, for those who cannot see it
	height  vg.Length
	panels  []*plot.Plot
	legend  []entry
}

// entry explains one mark in the legend.
type entry struct {
	name string
	mark plot.Thumbnailer
}

const bold = 3 // the only heavier weight that the embedded font has

func textStyle(size vg.Length, x text.XAlignment, y text.YAlignment) text.Style {
	return text.Style{
		Color: ink(255), Font: font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		XAlign: x, YAlign: y, Handler: plot.DefaultTextHandler,
	}
}

// newPanel returns a plot with a light grid. Labels must name a unit.
func newPanel(xLabel, yLabel string, x, y plot.Ticker) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	p.X.Label.Text, p.Y.Label.Text = xLabel, yLabel
	for _, a := range [...]*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = textStyle(10, 0, 0).Font
		a.Label.TextStyle.Color = ink(220)
		a.Tick.Label.Font = textStyle(9.5, 0, 0).Font
		a.Tick.Label.Color = ink(220)
		a.Tick.Length = 3
		a.Tick.Color = ink(120)
		a.Color = ink(120)
		a.Padding = 0
	}
	p.X.Label.Padding, p.Y.Label.Padding = 3, 3
	p.X.Tick.Marker, p.Y.Tick.Marker = x, y
	p.Add(&plotter.Grid{
		Vertical:   draw.LineStyle{Color: ink(24), Width: 0.6},
		Horizontal: draw.LineStyle{Color: ink(24), Width: 0.6},
	})
	return p
}

// size is the size of the whole picture.
func (f *figure) size() (width, height vg.Length) {
	return figureWidth, f.height + f.headHeight()
}

const (
	titleHeight  vg.Length = 20
	legendHeight vg.Length = 15
	thumbWidth   vg.Length = 22
	thumbGap     vg.Length = 5
	entryGap     vg.Length = 16
	margin       vg.Length = 2
)

// place calls at with the place of every entry of the legend, which flows in rows
// from the left, and returns the number of rows.
func (f *figure) place(at func(e entry, x vg.Length, row int)) int {
	style := textStyle(10, draw.XLeft, draw.YCenter)
	x, row := margin, 0
	for _, e := range f.legend {
		w := thumbWidth + thumbGap + style.Width(e.name)
		if x > margin && x+w > figureWidth-margin {
			x, row = margin, row+1
		}
		at(e, x, row)
		x += w + entryGap
	}
	if len(f.legend) == 0 {
		return 0
	}
	return row + 1
}

func (f *figure) headHeight() vg.Length {
	rows := f.place(func(entry, vg.Length, int) {})
	return titleHeight + vg.Length(rows)*legendHeight + 6
}

// draw draws the picture on c, whatever format c writes.
func (f *figure) draw(c draw.Canvas) {
	title := textStyle(12, draw.XLeft, draw.YTop)
	title.Font.Weight = bold
	c.FillText(title, vg.Point{X: c.Min.X + margin, Y: c.Max.Y - 4}, fit(title, f.title, figureWidth-2*margin))
	label := textStyle(10, draw.XLeft, draw.YCenter)
	f.place(func(e entry, x vg.Length, row int) {
		y := c.Max.Y - titleHeight - legendHeight*(vg.Length(row)+0.5)
		thumb := c
		thumb.Min, thumb.Max = vg.Point{X: c.Min.X + x, Y: y - 4.5}, vg.Point{X: c.Min.X + x + thumbWidth, Y: y + 4.5}
		e.mark.Thumbnail(&thumb)
		c.FillText(label, vg.Point{X: c.Min.X + x + thumbWidth + thumbGap, Y: y + 0.5},
			fit(label, e.name, figureWidth-2*margin-thumbWidth-thumbGap))
	})
	below := draw.Crop(c, margin, -margin, 2, -f.headHeight())
	rows := make([][]*plot.Plot, len(f.panels))
	for i, p := range f.panels {
		rows[i] = []*plot.Plot{p}
	}
	for i, row := range plot.Align(rows, draw.Tiles{Rows: len(rows), Cols: 1, PadY: 4}, below) {
		f.panels[i].Draw(row[0])
	}
}

// fit cuts s to a width.
func fit(style text.Style, s string, width vg.Length) string {
	if style.Width(s) <= width {
		return s
	}
	runes := []rune(s)
	for len(runes) > 0 && style.Width(string(runes)+"…") > width {
		runes = runes[:len(runes)-1]
	}
	return string(runes) + "…"
}

// svg returns the picture as an SVG element. Inline, it takes its colour and width
// from the page; else it is a file of its own, light or dark as the viewer is.
func (f *figure) svg(inline bool) []byte {
	w, h := f.size()
	c := newSVGCanvas(w, h)
	f.draw(draw.New(c))
	var b bytes.Buffer
	if !inline {
		b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	}
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %s %s" role="img" aria-label="%s"`,
		decimal(w.Points()), decimal(h.Points()), html.EscapeString(f.alt))
	if inline {
		b.WriteString(` class="plot"`)
	} else {
		fmt.Fprintf(&b, ` width="%s" height="%s"`, decimal(w.Points()), decimal(h.Points()))
	}
	b.WriteString(` font-family="system-ui, 'Liberation Sans', Arial, sans-serif">` + "\n")
	fmt.Fprintf(&b, "<title>%s</title>\n<desc>%s</desc>\n", html.EscapeString(f.title), html.EscapeString(f.alt))
	if !inline {
		b.WriteString("<style>svg{color:#1f2328;background:#fff}" +
			"@media(prefers-color-scheme:dark){svg{color:#e6e8eb;background:#16191d}}</style>\n")
	}
	b.Write(c.body.Bytes())
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// png returns the picture as a PNG on white at twice the size of the SVG.
func (f *figure) png() ([]byte, error) {
	w, h := f.size()
	c := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(144), vgimg.UseBackgroundColor(color.White))
	f.draw(draw.New(c))
	var b bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: c}).WriteTo(&b); err != nil {
		return nil, fmt.Errorf("draw %s: %w", f.name, err)
	}
	return b.Bytes(), nil
}
