package report

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const ranges = "medians and spans of the rounds"

// plotRenew draws the cost of a renewal against the number of leases, on as
// few cores as there are.
func plotRenew(run Run) *picture {
	cases := run.renewals()
	if len(cases) == 0 {
		return nil
	}
	procs := slices.MinFunc(cases, func(a, b Case) int { return a.Procs - b.Procs }).Procs
	cases = slices.DeleteFunc(cases, func(c Case) bool { return c.Procs != procs })
	curves := run.curves(cases, func(c Case) float64 { return float64(c.Leases) })
	if len(curves) == 0 {
		return nil
	}
	says := fmt.Sprintf("%s, instants given to those who take one; %s", cores(cases[0]), ranges)
	p := plotCurves("Renewing a lease by key, against the number of leases", says, curves, run.looks())
	p.X.Label.Text = "leases"
	logarithmic(&p.X, func(n float64) string {
		return strings.TrimSuffix(leases(Case{Leases: int(math.Round(n))}), " leases")
	})
	return p
}

// plotCores draws the cost of a renewal against the number of cores, with as
// many leases as most peers were measured with.
func plotCores(run Run) *picture {
	cases := run.renewals()
	if len(cases) == 0 {
		return nil
	}
	n := run.popular(cases).Leases
	cases = slices.DeleteFunc(cases, func(c Case) bool { return c.Leases != n })
	curves := run.curves(cases, func(c Case) float64 { return float64(c.Procs) })
	if len(curves) == 0 {
		return nil
	}
	says := fmt.Sprintf("%s, renewed by all cores together; %s", leases(cases[0]), ranges)
	p := plotCurves("Renewing a lease by key, against the number of cores", says, curves, run.looks())
	p.X.Label.Text = "cores (GOMAXPROCS)"
	var ticks plot.ConstantTicks
	for _, c := range cases {
		ticks = append(ticks, plot.Tick{Value: float64(c.Procs), Label: fmt.Sprint(c.Procs)})
	}
	p.X.Tick.Marker = ticks
	return p
}

// renewals are the plain ones, of the variant that most peers have.
func (r Run) renewals() []Case {
	cases := r.cases(func(c Case) bool { return isRenewal(c) && c.Leases > 0 })
	if len(cases) == 0 {
		return nil
	}
	like := r.popular(cases)
	return slices.DeleteFunc(cases, func(c Case) bool { return c.Variant != like.Variant })
}

// popular is the case with the most peers, and of these that with the most
// leases.
func (r Run) popular(cases []Case) Case {
	all := r.values()
	return slices.MaxFunc(cases, func(a, b Case) int {
		if order := len(all[a]) - len(all[b]); order != 0 {
			return order
		}
		return a.Leases - b.Leases
	})
}

// A curve is a peer's medians, and how far the rounds are from them.
type curve struct {
	peer string
	plotter.XYs
	plotter.YErrors
}

// curves are those of all peers; none if they would be points.
func (r Run) curves(cases []Case, x func(Case) float64) []curve {
	all := r.values()
	var found []curve
	for _, peer := range r.peers(cases) {
		c := curve{peer: peer}
		for _, at := range cases {
			rounds := all[at][peer]
			if len(rounds) == 0 || median(rounds) == 0 || slices.Min(rounds) == 0 {
				continue // which a logarithm cannot show
			}
			y := median(rounds)
			c.XYs = append(c.XYs, plotter.XY{X: x(at), Y: y})
			c.YErrors = append(c.YErrors, struct{ Low, High float64 }{y - slices.Min(rounds), slices.Max(rounds) - y})
		}
		if len(c.XYs) > 1 {
			found = append(found, c)
		}
	}
	return found
}

func plotCurves(title, says string, curves []curve, looks map[string]look) *picture {
	p := newPicture(title, says, 420)
	p.Add(newGrid())
	labels := &endLabels{}
	slices.Reverse(curves) // ours above the others
	for _, c := range curves {
		look := looks[c.peer]
		thin := draw.LineStyle{Color: look.line.Color, Width: 0.8}
		p.Add(
			&plotter.YErrorBars{XYs: c.XYs, YErrors: c.YErrors, LineStyle: thin, CapWidth: 4},
			&plotter.Line{XYs: c.XYs, LineStyle: look.line},
			&plotter.Scatter{XYs: c.XYs, GlyphStyle: draw.GlyphStyle{Color: look.line.Color, Radius: 2.6, Shape: look.glyph}})
		labels.entries = append(labels.entries, endLabel{c.peer, c.XYs[len(c.XYs)-1], look})
	}
	p.Add(labels)
	logarithmic(&p.Y, nanoseconds)
	p.Y.Min, p.Y.Max = p.Y.Min/1.1, p.Y.Max*1.1
	return p
}

// endLabels names curves at the right of the plot, each where it ends as far
// as there is room.
type endLabels struct{ entries []endLabel }

type endLabel struct {
	name string
	end  plotter.XY
	look look
}

const (
	labelGap    vg.Length = 22
	labelHeight vg.Length = 13
)

func (e endLabel) style() text.Style { return peerStyle(e.name, e.look.line.Color) }

func (l *endLabels) Plot(c draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&c)
	slices.SortStableFunc(l.entries, func(a, b endLabel) int { return int(math.Copysign(1, a.end.Y-b.end.Y)) })
	wanted := make([]float64, len(l.entries))
	for i, e := range l.entries {
		wanted[i] = float64(toY(e.end.Y))
	}
	places := apart(wanted, float64(labelHeight), float64(c.Min.Y), float64(c.Max.Y))
	for i, e := range l.entries {
		y := vg.Length(places[i])
		lead := draw.LineStyle{Color: e.look.line.Color, Width: 0.5}
		c.StrokeLine2(lead, toX(e.end.X)+4, toY(e.end.Y), c.Max.X+labelGap-3, y)
		c.FillText(e.style(), vg.Point{X: c.Max.X + labelGap, Y: y}, e.name)
	}
}

// GlyphBoxes keeps room for the names.
func (l *endLabels) GlyphBoxes(*plot.Plot) []plot.GlyphBox {
	var boxes []plot.GlyphBox
	for _, e := range l.entries {
		box := vg.Rectangle{Max: vg.Point{X: labelGap + wide(e.style(), e.name), Y: 1}}
		boxes = append(boxes, plot.GlyphBox{X: 1, Y: 0.5, Rectangle: box})
	}
	return boxes
}

// apart moves ascending places as little as it can, so that each is a step
// above the one before: those that are too close are spread around the middle
// of what they wanted. All are between low and high if these leave room.
func apart(wanted []float64, step, low, high float64) []float64 {
	type block struct {
		sum   float64 // of what its members want for the first of them
		count int
	}
	var blocks []block
	for i, place := range wanted {
		next := block{place - step*float64(i), 1}
		for len(blocks) > 0 {
			last := blocks[len(blocks)-1]
			if last.sum/float64(last.count) <= next.sum/float64(next.count) {
				break
			}
			next = block{last.sum + next.sum, last.count + next.count}
			blocks = blocks[:len(blocks)-1]
		}
		blocks = append(blocks, next)
	}
	var places []float64
	top := high - step*float64(len(wanted)-1)
	for _, b := range blocks {
		for range b.count {
			places = append(places, max(low, min(top, b.sum/float64(b.count)))+step*float64(len(places)))
		}
	}
	return places
}
