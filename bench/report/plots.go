package report

import (
	"bytes"
	"cmp"
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Plots writes SVG files into the directory: of a picture whose cases the run
// does not have, none. Equal runs give equal bytes.
//
//   - renew.svg: the cost of a renewal by key against the number of leases
//   - cores.svg: the same against the number of cores
//   - latency.svg: quantiles of single renewals, quiet and beside passes
//   - memory.svg: bytes a lease
func Plots(dir string, run Run) error {
	for _, kind := range []struct {
		name string
		of   func(Run) *picture
	}{
		{"renew.svg", plotRenew},
		{"cores.svg", plotCores},
		{"latency.svg", plotLatency},
		{"memory.svg", plotMemory},
	} {
		p := kind.of(run)
		if p == nil {
			continue
		}
		svg, err := p.svg()
		if err != nil {
			return fmt.Errorf("%s: %w", kind.name, err)
		}
		if err := os.WriteFile(filepath.Join(dir, kind.name), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A picture is a plot below a title, a line that says what it shows, and
// perhaps a legend.
type picture struct {
	*plot.Plot
	title, says string
	legend      []entry
	height      vg.Length
}

// An entry is one of a legend that lies on its side.
type entry struct {
	name  string
	color color.Color
	glyph draw.GlyphDrawer // nil for a bar
}

const (
	width       vg.Length = 612 // what a page shows at its full size
	margin      vg.Length = 12
	titleSize             = 14
	textSize              = 11
	titleHeight vg.Length = 22
	lineHeight  vg.Length = 17
)

func newPicture(title, says string, height vg.Length) *picture {
	p := &picture{Plot: plot.New(), title: title, says: says, height: height}
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle.Font = sans(textSize)
		axis.Tick.Label.Font = sans(textSize)
		axis.Tick.Label.Color = ink
		axis.Color, axis.Tick.Color = faint, faint
		axis.Label.Padding = 4
	}
	return p
}

func (p *picture) svg() ([]byte, error) {
	canvas := vgsvg.New(width, p.height)
	p.draw(draw.New(canvas))
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	// Who does not have the font that was measured gets one that is as wide.
	return bytes.ReplaceAll(out.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), nil
}

func (p *picture) draw(c draw.Canvas) {
	c.SetColor(color.White)
	c.Fill(c.Path())
	c = draw.Crop(c, margin, -margin, margin, -margin)
	c.FillText(styled(titleSize, ink, xfont.WeightBold), vg.Point{X: c.Min.X, Y: c.Max.Y}, p.title)
	c.Max.Y -= titleHeight
	c.FillText(styled(textSize, muted, xfont.WeightNormal), vg.Point{X: c.Min.X, Y: c.Max.Y}, p.says)
	c.Max.Y -= lineHeight
	if len(p.legend) > 0 {
		p.drawLegend(c)
		c.Max.Y -= lineHeight
	}
	c.Max.Y -= 6
	p.Draw(c)
}

func (p *picture) drawLegend(c draw.Canvas) {
	style := styled(textSize, ink, xfont.WeightNormal)
	at := vg.Point{X: c.Min.X, Y: c.Max.Y}
	middle := c.Max.Y - style.Height("x")/2 - 1
	for _, s := range p.legend {
		const mark vg.Length = 14
		if s.glyph == nil {
			c.StrokeLine2(draw.LineStyle{Color: s.color, Width: 4}, at.X, middle, at.X+mark, middle)
		} else {
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: s.color, Radius: 3.5, Shape: s.glyph}, vg.Point{X: at.X + mark/2, Y: middle})
		}
		at.X += mark + 4
		c.FillText(style, at, s.name)
		at.X += wide(style, s.name) + 14
	}
}

// Colours that people tell apart who see few of them, by Okabe and Ito: ours
// has one of its own.
var (
	ink      = color.Gray{Y: 0x22}
	muted    = color.Gray{Y: 0x66}
	faint    = color.Gray{Y: 0x99}
	grid     = color.Gray{Y: 0xe2}
	stripe   = color.Gray{Y: 0xf6}
	accent   = color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff} // vermillion
	blue     = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}
	orange   = color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff}
	palettes = []color.Color{
		blue,
		color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff}, // green
		color.RGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff}, // purple
		orange,
		color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff}, // sky
		color.RGBA{A: 0xff},
	}
	dashes = [][]vg.Length{nil, {6, 3}, {2, 2}}
	glyphs = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.PyramidGlyph{}, draw.RingGlyph{}, draw.BoxGlyph{}}
)

// A look is how a peer is drawn, in all pictures of a run alike.
type look struct {
	line  draw.LineStyle
	glyph draw.GlyphDrawer
}

// looks gives each peer whose renewals were measured a look that no other
// has.
func (r Run) looks() map[string]look {
	found := map[string]look{}
	var ofOurs, ofOthers int
	for _, peer := range r.peers(r.cases(isRenewal)) {
		l := look{line: draw.LineStyle{Width: 1.3}, glyph: draw.CircleGlyph{}}
		switch {
		case isOurs(peer):
			l.line.Color, l.line.Dashes = accent, dashes[ofOurs%len(dashes)]
			if ofOurs == 0 {
				l.line.Width = 2.6
			}
			l.glyph = glyphs[ofOurs%len(glyphs)]
			ofOurs++
		case isFloor(peer):
			l.line.Color, l.line.Dashes, l.glyph = muted, dashes[1], draw.CrossGlyph{}
		default:
			turn := ofOthers / len(palettes)
			l.line.Color, l.line.Dashes = palettes[ofOthers%len(palettes)], dashes[(ofOthers+turn)%len(dashes)]
			l.glyph = glyphs[ofOthers%len(glyphs)]
			ofOthers++
		}
		found[peer] = l
	}
	return found
}

// peers are those of the cases, ours first, floors last, by name.
func (r Run) peers(cases []Case) []string {
	peers := peersOf(r.values(), cases)
	slices.SortStableFunc(peers, func(a, b string) int { return cmp.Compare(rank(a), rank(b)) })
	return peers
}

func sans(size float64) font.Font {
	return font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Length(size)}
}

func styled(size float64, ink color.Color, weight xfont.Weight) text.Style {
	f := sans(size)
	f.Weight = weight
	return text.Style{Color: ink, Font: f, YAlign: text.YTop, Handler: plot.DefaultTextHandler}
}

// wide is how wide a text is in fonts that run wider than the measured one.
func wide(style text.Style, s string) vg.Length { return style.Width(s) * 1.15 }

func newGrid() *plotter.Grid {
	g := plotter.NewGrid()
	g.Vertical.Color, g.Horizontal.Color = grid, grid
	return g
}

// logarithmic makes an axis so, and marks 1, 2 and 5 of each power of ten, or
// only 1 if there are many of them.
func logarithmic(axis *plot.Axis, label func(float64) string) {
	axis.Scale = plot.LogScale{}
	axis.Tick.Marker = plot.TickerFunc(func(from, to float64) []plot.Tick {
		var ticks []plot.Tick
		crowded := math.Log10(to/from) > 3.5
		for power := math.Pow10(int(math.Floor(math.Log10(from)))); power <= to; power *= 10 {
			for _, digit := range []float64{1, 2, 3, 4, 5, 6, 7, 8, 9} {
				value := digit * power
				if value < from || value > to {
					continue
				}
				tick := plot.Tick{Value: value}
				if digit == 1 || !crowded && (digit == 2 || digit == 5) {
					tick.Label = label(value)
				}
				ticks = append(ticks, tick)
			}
		}
		return ticks
	})
}

// nanoseconds is such as "5 ns", "20 us" or "1 ms".
func nanoseconds(value float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}} {
		if value >= unit.size*0.9999 {
			return fmt.Sprintf("%.3g %s", value/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.3g ns", value)
}
