package main

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// plots is the folder of the plots.
const plots = "../docs/performance"

// A growing is a plot of how a cost grows, on two logarithmic axes: what grows in proportion is a straight line.
type growing struct {
	name, title, x, y string
	names             []string // of the lines, in their order
	lines             map[string]*line
	last              []cost // of the last size
}

// A line is what was measured of one client: the median, with the middle half of the rounds.
type line struct {
	plotter.XYs
	plotter.YErrors
}

func newPlot(name, title, x, y string) *growing {
	return &growing{name: name, title: title, x: x, y: y, lines: make(map[string]*line)}
}

// measure adds a point to the line of each client, in a unit of so many nanoseconds.
func (g *growing) measure(x float64, all []client, do func(client) func(context.Context) error, parallel int, unit float64) error {
	costs, err := compare(all, do, parallel, roundsOfGrowth())
	if err != nil {
		return fmt.Errorf("%s: %w", g.title, err)
	}
	for i, c := range all {
		g.point(c.name, x, costs[i].time.per(unit))
	}
	g.last = costs
	return nil
}

func (g *growing) point(name string, x float64, y figure) {
	l := g.lines[name]
	if l == nil {
		l = new(line)
		g.lines[name], g.names = l, append(g.names, name)
	}
	l.XYs = append(l.XYs, plotter.XY{X: x, Y: y.median()})
	l.YErrors = append(l.YErrors, struct{ Low, High float64 }{y.median() - y.quantile(0.25), y.quantile(0.75) - y.median()})
}

// add draws the plot, and adds it to the report with a table of what it shows.
func (g *growing) add(r *report) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = g.title, g.x, g.y
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: -1}, plot.LogTicks{Prec: -1}
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	t := &table{header: []string{g.x + ": " + g.y}}
	for i, name := range g.names {
		l := g.lines[name]
		lines, points, err := plotter.NewLinePoints(l)
		if err != nil {
			return err
		}
		bars, err := plotter.NewYErrorBars(l)
		if err != nil {
			return err
		}
		color := colorOf(name, i)
		lines.Color, points.Color, bars.Color = plotutil.Color(color), plotutil.Color(color), plotutil.Color(color)
		lines.Width, points.Shape = vg.Points(1.5), plotutil.Shape(color)
		p.Add(lines, points, bars)
		p.Legend.Add(name, lines, points)
		t.header = append(t.header, name)
	}
	for i, at := range g.lines[g.names[0]].XYs {
		row := []string{fmt.Sprintf("%.0f", at.X)}
		for _, name := range g.names {
			l := g.lines[name]
			y, off := l.XYs[i].Y, l.YErrors[i]
			row = append(row, fmt.Sprintf("%s (%s to %s)", short(y), short(y-off.Low), short(y+off.High)))
		}
		t.add(row...)
	}
	p.Y.Min, p.Y.Max = math.Pow(10, math.Floor(math.Log10(p.Y.Min))), math.Pow(10, math.Ceil(math.Log10(p.Y.Max)))
	if err := p.Save(20*vg.Centimeter, 12*vg.Centimeter, filepath.Join(plots, g.name+".svg")); err != nil {
		return err
	}
	r.add(g.name, fmt.Sprintf("![%s](performance/%s.svg)\n\n%s", g.title, g.name, t.String()))
	return nil
}

// colorOf has a client look the same in every plot.
func colorOf(name string, i int) int {
	if known := slices.Index([]string{hand, ours, plainOAPI, ogenClient, fairName}, name); known >= 0 {
		return known
	}
	return i
}

// short writes a number with three digits that count, or all before the point.
func short(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
