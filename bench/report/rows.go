package report

import (
	"cmp"
	"fmt"
	"image/color"
	"math"
	"slices"
	"strings"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// plotMemory draws a bar a peer, the least above.
func plotMemory(run Run) *picture {
	cases := run.cases(func(c Case) bool { return c.Metric == "B/lease" })
	if len(cases) == 0 {
		return nil
	}
	c := run.popular(cases)
	peers := run.ranked([]Case{c})
	says := fmt.Sprintf("bytes of memory with %s, keys included; medians", leases(c))
	p := newPicture("Bytes a lease", says, 56+20*vg.Length(len(peers)))
	p.HideAxes()
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 0, -0.5, float64(len(peers))-0.5
	all := run.values()
	b := bars{peers: peers}
	for _, peer := range peers {
		b.medians = append(b.medians, median(all[c][peer]))
	}
	p.X.Max = max(1, slices.Max(b.medians))
	p.Add(b, rowNames(peers))
	return p
}

// plotLatency draws a row a peer, and in it for each variant a line from one
// quantile to the next.
func plotLatency(run Run) *picture {
	cases := run.cases(func(c Case) bool { return c.Workload == "latency" })
	if len(cases) == 0 {
		return nil
	}
	like := run.popular(cases)
	cases = slices.DeleteFunc(cases, func(c Case) bool { return c.Leases != like.Leases || c.Procs != like.Procs })
	variants, quantiles := distinct(cases, variant), distinct(cases, metric)
	tail := quantiles[max(0, len(quantiles)-2)]
	peers := run.ranked(slices.DeleteFunc(slices.Clone(cases), func(c Case) bool { return metric(c) != tail }))

	says := fmt.Sprintf("single renewals by key, %s, two readings of the clock included; medians of the rounds", leases(like))
	p := newPicture("How long a renewal takes, quiet and beside passes", says, 110+29*vg.Length(len(peers)))
	p.HideY()
	p.Add(stripes(len(peers)), newGrid())
	for i, v := range variants {
		d := run.dots(slices.DeleteFunc(slices.Clone(cases), func(c Case) bool { return variant(c) != v }), peers, quantiles)
		d.color, d.lower = variantColors[i%len(variantColors)], 0.24*(float64(i)-float64(len(variants)-1)/2)
		p.Add(d)
		p.legend = append(p.legend, entry{name: v, color: d.color})
	}
	for i, q := range quantiles {
		p.legend = append(p.legend, entry{strings.Fields(q)[0], muted, quantileGlyphs[i%len(quantileGlyphs)]})
	}
	if p.X.Min > p.X.Max {
		return nil // nothing that a logarithm can show
	}
	p.Add(rowNames(peers))
	p.Y.Min, p.Y.Max = -0.5, float64(len(peers))-0.5
	p.X.Min, p.X.Max = p.X.Min/1.1, p.X.Max*1.1
	logarithmic(&p.X, nanoseconds)
	return p
}

// dots are the medians of the cases, a row a peer.
func (r Run) dots(cases []Case, peers, quantiles []string) *dots {
	all := r.values()
	d := &dots{}
	for _, peer := range peers {
		medians := make([]float64, len(quantiles))
		for _, c := range cases {
			if rounds := all[c][peer]; len(rounds) > 0 {
				medians[slices.Index(quantiles, metric(c))] = median(rounds)
			}
		}
		d.rows = append(d.rows, medians)
	}
	return d
}

// ranked are the peers that were measured in one of the cases, by the
// greatest of their medians, the least first.
func (r Run) ranked(cases []Case) []string {
	all := r.values()
	greatest := func(peer string) float64 {
		found := 0.0
		for _, c := range cases {
			if rounds := all[c][peer]; len(rounds) > 0 {
				found = max(found, median(rounds))
			}
		}
		return found
	}
	peers := peersOf(all, cases)
	slices.SortStableFunc(peers, func(a, b string) int { return cmp.Compare(greatest(a), greatest(b)) })
	return peers
}

// Rows are counted from the top; their middles are whole numbers, which grow
// to the top.
func middle(row, rows int) float64 { return float64(rows - 1 - row) }

const nameGap vg.Length = 12

// rowNames names the rows at the left.
type rowNames []string

func (r rowNames) Plot(c draw.Canvas, p *plot.Plot) {
	_, toY := p.Transforms(&c)
	for i, name := range r {
		style := peerStyle(name, ink)
		style.XAlign = text.XRight
		c.FillText(style, vg.Point{X: c.Min.X - nameGap, Y: toY(middle(i, len(r)))}, name)
	}
}

// GlyphBoxes keeps room for the names.
func (r rowNames) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	var boxes []plot.GlyphBox
	for _, name := range r {
		w := nameGap + wide(peerStyle(name, ink), name)
		boxes = append(boxes, plot.GlyphBox{Y: 0.5, Rectangle: vg.Rectangle{Min: vg.Point{X: -w}, Max: vg.Point{Y: 1}}})
	}
	return boxes
}

// peerStyle is that of a peer's name, bold if it is ours.
func peerStyle(peer string, ink color.Color) text.Style {
	weight := xfont.WeightNormal
	if isOurs(peer) {
		weight = xfont.WeightBold
	}
	style := styled(textSize, ink, weight)
	style.YAlign = text.YCenter
	return style
}

// bars are drawn from the left, each with its median behind it.
type bars struct {
	peers   []string
	medians []float64
}

func (b bars) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i, value := range b.medians {
		const thick vg.Length = 7
		y := toY(middle(i, len(b.medians)))
		c.SetColor(barColor(b.peers[i]))
		c.Fill(vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: y - thick}, Max: vg.Point{X: toX(value), Y: y + thick}}.Path())
		c.FillText(peerStyle(b.peers[i], ink), vg.Point{X: toX(value) + 5, Y: y}, figure(value))
	}
}

// GlyphBoxes keeps room for the medians.
func (b bars) GlyphBoxes(p *plot.Plot) []plot.GlyphBox {
	var boxes []plot.GlyphBox
	for i, value := range b.medians {
		w := 5 + wide(peerStyle(b.peers[i], ink), figure(value))
		boxes = append(boxes, plot.GlyphBox{X: p.X.Norm(value), Y: 0.5, Rectangle: vg.Rectangle{Max: vg.Point{X: w, Y: 1}}})
	}
	return boxes
}

func barColor(peer string) color.Color {
	if isOurs(peer) {
		return accent
	}
	return blue
}

var (
	variantColors  = []color.Color{faint, blue, orange}
	quantileGlyphs = []draw.GlyphDrawer{draw.CircleGlyph{}, draw.SquareGlyph{}, draw.PyramidGlyph{}, draw.CrossGlyph{}}
)

// dots are the values of each row, a kind of dot for each column, with a line
// through them that is somewhat lower than the row's middle. There is no dot
// for 0.
type dots struct {
	color color.Color
	lower float64
	rows  [][]float64
}

func (d *dots) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	for i, values := range d.rows {
		y := toY(middle(i, len(d.rows)) - d.lower)
		var xs []vg.Length
		for j, value := range values {
			if value == 0 {
				continue
			}
			xs = append(xs, toX(value))
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: d.color, Radius: 3, Shape: quantileGlyphs[j%len(quantileGlyphs)]}, vg.Point{X: toX(value), Y: y})
		}
		if len(xs) > 1 {
			c.StrokeLine2(draw.LineStyle{Color: d.color, Width: 0.9}, slices.Min(xs), y, slices.Max(xs), y)
		}
	}
}

// DataRange has the values, of which a logarithm needs to know.
func (d *dots) DataRange() (xmin, xmax, ymin, ymax float64) {
	xmin, xmax = math.Inf(1), math.Inf(-1)
	for _, value := range slices.Concat(d.rows...) {
		if value > 0 {
			xmin, xmax = min(xmin, value), max(xmax, value)
		}
	}
	return xmin, xmax, 0, float64(len(d.rows) - 1)
}

// stripes lays a light ground below every second row.
type stripes int

func (s stripes) Plot(c draw.Canvas, p *plot.Plot) {
	_, toY := p.Transforms(&c)
	for i := 0; i < int(s); i += 2 {
		at := middle(i, int(s))
		c.SetColor(stripe)
		c.Fill(vg.Rectangle{Min: vg.Point{X: c.Min.X, Y: toY(at - 0.5)}, Max: vg.Point{X: c.Max.X, Y: toY(at + 0.5)}}.Path())
	}
}
