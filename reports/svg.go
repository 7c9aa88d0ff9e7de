package reports

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"math"
	"strconv"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// svgCanvas is a vg.Canvas that writes SVG for web pages: ink is currentColor, the
// background is left open, text is real text in the reader's own sans-serif font
// stretched to the width it was laid out with, and coordinates are tenths of a point
// relative to the last, which keeps long paths small.
type svgCanvas struct {
	width, height vg.Length
	body          bytes.Buffer
	state         svgState
	stack         []svgState
}

type svgState struct {
	color     color.Color
	lineWidth vg.Length
	dash      []vg.Length
	offset    vg.Length
	// xx … ty map points of the current context to the canvas, y upwards.
	xx, xy, yx, yy float64
	tx, ty         vg.Length
}

var _ vg.CanvasSizer = (*svgCanvas)(nil)

func newSVGCanvas(width, height vg.Length) *svgCanvas {
	c := &svgCanvas{width: width, height: height, state: svgState{xx: 1, yy: 1}}
	vg.Initialize(c)
	return c
}

func (c *svgCanvas) Size() (x, y vg.Length)                 { return c.width, c.height }
func (c *svgCanvas) SetLineWidth(w vg.Length)               { c.state.lineWidth = w }
func (c *svgCanvas) SetColor(clr color.Color)               { c.state.color = clr }
func (c *svgCanvas) Push()                                  { c.stack = append(c.stack, c.state) }
func (c *svgCanvas) Translate(pt vg.Point)                  { c.state.tx, c.state.ty = c.state.apply(pt) }
func (c *svgCanvas) SetLineDash(d []vg.Length, o vg.Length) { c.state.dash, c.state.offset = d, o }

func (c *svgCanvas) Pop() {
	c.state = c.stack[len(c.stack)-1]
	c.stack = c.stack[:len(c.stack)-1]
}

func (c *svgCanvas) Rotate(rad float64) {
	s := &c.state
	sin, cos := math.Sincos(rad)
	s.xx, s.xy = s.xx*cos+s.xy*sin, s.xy*cos-s.xx*sin
	s.yx, s.yy = s.yx*cos+s.yy*sin, s.yy*cos-s.yx*sin
}

func (c *svgCanvas) Scale(x, y float64) {
	s := &c.state
	s.xx, s.yx = s.xx*x, s.yx*x
	s.xy, s.yy = s.xy*y, s.yy*y
}

// apply maps a point of the current context to the canvas.
func (s *svgState) apply(pt vg.Point) (x, y vg.Length) {
	px, py := pt.X.Points(), pt.Y.Points()
	return vg.Length(s.xx*px+s.xy*py) + s.tx, vg.Length(s.yx*px+s.yy*py) + s.ty
}

func (s *svgState) scale() float64 { return math.Hypot(s.xx, s.yx) }

func (c *svgCanvas) Stroke(p vg.Path) {
	if c.state.lineWidth <= 0 || len(p) == 0 {
		return
	}
	fmt.Fprintf(&c.body, `<path fill="none" stroke-linejoin="round" %s stroke-width="%s"`,
		paint("stroke", c.state.color), decimal(c.state.lineWidth.Points()*c.state.scale()))
	if len(c.state.dash) > 0 {
		c.body.WriteString(` stroke-dasharray="`)
		for i, d := range c.state.dash {
			if i > 0 {
				c.body.WriteByte(' ')
			}
			c.body.WriteString(decimal(d.Points()))
		}
		fmt.Fprintf(&c.body, `" stroke-dashoffset="%s"`, decimal(c.state.offset.Points()))
	}
	c.path(p)
}

func (c *svgCanvas) Fill(p vg.Path) {
	if len(p) == 0 {
		return
	}
	fmt.Fprintf(&c.body, `<path %s`, paint("fill", c.state.color))
	c.path(p)
}

func (c *svgCanvas) path(p vg.Path) {
	w := pathWriter{buf: &c.body}
	c.body.WriteString(` d="`)
	for _, comp := range p {
		switch comp.Type {
		case vg.MoveComp:
			w.move(c.place(comp.Pos))
		case vg.LineComp:
			w.line(c.place(comp.Pos))
		case vg.ArcComp:
			c.arc(&w, comp)
		case vg.CurveComp:
			op := 'Q'
			if len(comp.Control) == 2 {
				op = 'C'
			}
			w.absolute(op)
			for _, ctl := range comp.Control {
				w.pair(c.place(ctl))
			}
			w.pair(c.place(comp.Pos))
		case vg.CloseComp:
			w.close()
		}
	}
	c.body.WriteString("\"/>\n")
}

// arc splits an arc at its middle, since SVG cannot draw a full circle as one.
func (c *svgCanvas) arc(w *pathWriter, a vg.PathComp) {
	at := func(angle float64) (int, int) {
		sin, cos := math.Sincos(angle)
		return c.place(vg.Point{X: a.Pos.X + a.Radius*vg.Length(cos), Y: a.Pos.Y + a.Radius*vg.Length(sin)})
	}
	if x, y := at(a.Start); w.started {
		w.line(x, y)
	} else {
		w.move(x, y)
	}
	r := decimal(a.Radius.Points() * c.state.scale())
	sweep := "0"
	if a.Angle < 0 {
		sweep = "1"
	}
	for _, part := range [...]float64{0.5, 1} {
		w.absolute('A')
		w.buf.WriteString(r + " " + r + " 0 0 " + sweep + " ")
		w.pair(at(a.Start + part*a.Angle))
	}
}

// place maps a point to tenths of a point, y downwards.
func (c *svgCanvas) place(pt vg.Point) (x, y int) {
	px, py := c.state.apply(pt)
	return int(math.Round(10 * px.Points())), int(math.Round(10 * (c.height - py).Points()))
}

func (c *svgCanvas) FillString(f font.Face, pt vg.Point, text string) {
	if f.Font.Size <= 0 || text == "" {
		return
	}
	x, y := c.place(pt)
	fmt.Fprintf(&c.body, `<text x="%s" y="%s" font-size="%s" textLength="%s" lengthAdjust="spacingAndGlyphs" %s`,
		tenths(x), tenths(y), decimal(f.Font.Size.Points()), decimal(f.Width(text).Points()), paint("fill", c.state.color))
	if f.Font.Weight > 0 {
		c.body.WriteString(` font-weight="bold"`)
	}
	if angle := -math.Atan2(c.state.yx, c.state.xx) * 180 / math.Pi; angle != 0 {
		fmt.Fprintf(&c.body, ` transform="rotate(%s %s %s)"`, decimal(angle), tenths(x), tenths(y))
	}
	fmt.Fprintf(&c.body, ">%s</text>\n", html.EscapeString(text))
}

func (c *svgCanvas) DrawImage(r vg.Rectangle, img image.Image) {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return
	}
	x, y := c.place(vg.Point{X: r.Min.X, Y: r.Max.Y})
	size := r.Size()
	fmt.Fprintf(&c.body, `<image x="%s" y="%s" width="%s" height="%s" href="data:image/png;base64,%s"/>`+"\n",
		tenths(x), tenths(y), decimal(size.X.Points()), decimal(size.Y.Points()),
		base64.StdEncoding.EncodeToString(b.Bytes()))
}

func paint(attr string, clr color.Color) string {
	value, alpha := "#000", uint8(0xff)
	switch clr := clr.(type) {
	case nil:
	case ink:
		value, alpha = "currentColor", uint8(clr)
	default:
		n := color.NRGBAModel.Convert(clr).(color.NRGBA)
		value, alpha = fmt.Sprintf("#%02x%02x%02x", n.R, n.G, n.B), n.A
	}
	s := attr + `="` + value + `"`
	if alpha != 0xff {
		s += ` ` + attr + `-opacity="` + strconv.FormatFloat(float64(alpha)/255, 'f', 2, 64) + `"`
	}
	return s
}

// decimal writes a length with at most two decimals.
func decimal(v float64) string {
	return strconv.FormatFloat(math.Round(100*v)/100, 'f', -1, 64)
}

func tenths(v int) string { return decimal(float64(v) / 10) }
