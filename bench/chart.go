package main

import (
	"image/color"
	"os"
	"path/filepath"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// A chart compares clients, as bars side by side, over several cases.
type chart struct {
	file, title, unit string
	clients           []string   // of the legend
	cases             []string   // below the bars
	keys              [][]string // of results, by client and case
}

// Colours that people who do not see red or green can tell apart (Okabe and Ito), one for each client of a chart.
var colours = []color.RGBA{{0x99, 0x99, 0x99, 0xFF}, {0x00, 0x72, 0xB2, 0xFF}, {0xE6, 0x9F, 0x00, 0xFF}, {0x00, 0x9E, 0x73, 0xFF}}

const (
	barWidth    = vg.Length(18)   // points, at most
	caseWidth   = vg.Length(0.85) // of a case's share of the chart, what its bars take together at most
	chartWidth  = 18 * vg.Centimeter
	plotWidth   = 15 * vg.Centimeter // of it, inside the axes
	chartHeight = 9 * vg.Centimeter
	chartMargin = 3 * vg.Millimeter // or other fonts than the one it was measured with are cut off
)

// charts are what README shows.
func charts() []chart {
	throughput := chart{
		file: "throughput.svg", title: "Goodput by MQTT payload", unit: megabytes,
		clients: []string{"bare client, no encryption", "Conn", "paho, no encryption", "mux stream"},
		keys:    make([][]string, 4),
	}
	for _, p := range payloads {
		throughput.cases = append(throughput.cases, p.name)
		for i, client := range []string{"bare ", "Conn ", "paho ", "mux "} {
			throughput.keys[i] = append(throughput.keys[i], client+p.name)
		}
	}
	transports := chart{
		file: "transports.svg", title: "Goodput by way to the broker, 32 KiB", unit: megabytes,
		clients: []string{"bare client, no encryption", "Conn"},
		cases:   []string{"TCP", "TLS", "WebSocket"},
		keys:    [][]string{{"bare 32 KiB", "bare mqtts", "bare ws"}, {"Conn 32 KiB", "Conn mqtts", "Conn ws"}},
	}
	latency := chart{
		file: "latency.svg", title: "Round trip of 64 bytes, median", unit: micros,
		clients: []string{"bare client, no encryption", "Conn", "paho, no encryption"},
		cases:   []string{"idle"},
		keys:    [][]string{{"round trip, bare, median"}, {"round trip, Conn, median"}, {"round trip, paho, median"}},
	}
	return []chart{throughput, transports, latency}
}

// saveCharts draws what was measured.
func saveCharts(dir string, r *results) error {
	for _, c := range charts() {
		if err := c.save(dir, r); err != nil {
			return err
		}
	}
	return nil
}

func (c *chart) save(dir string, r *results) error {
	p := plot.New()
	p.Title.Text = c.title
	p.Y.Label.Text = c.unit
	p.BackgroundColor = color.White // legible on a dark page too
	p.NominalX(c.cases...)
	p.Legend.Top, p.Legend.Left = true, true
	width := min(barWidth, caseWidth*plotWidth/vg.Length(len(c.cases)*len(c.clients)))
	drawn := 0
	for i, client := range c.clients {
		values, ok := c.values(r, i)
		if !ok {
			continue
		}
		bars, err := plotter.NewBarChart(values, width)
		if err != nil {
			return err
		}
		bars.Color, bars.LineStyle.Width = colours[i], 0
		bars.Offset = width * vg.Length(float64(i)-float64(len(c.clients)-1)/2)
		p.Add(bars)
		p.Legend.Add(client, bars)
		drawn++
	}
	if drawn == 0 {
		return nil
	}
	p.Y.Min = min(p.Y.Min, 0)
	p.Y.Max *= 1.4 // room for the legend
	p.X.Min, p.X.Max = -0.6, float64(len(c.cases))-0.4
	return save(p, filepath.Join(dir, c.file))
}

// save writes p as SVG, with a margin.
func save(p *plot.Plot, name string) error {
	canvas := vgsvg.New(chartWidth, chartHeight)
	whole := draw.New(canvas)
	whole.SetColor(p.BackgroundColor)
	whole.Fill(whole.Rectangle.Path())
	p.Draw(draw.Crop(whole, chartMargin, -chartMargin, chartMargin, -chartMargin))
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := canvas.WriteTo(file); err != nil {
		return err
	}
	return file.Close()
}

// values returns a client's medians, false if nothing of it was measured.
func (c *chart) values(r *results, client int) (values plotter.Values, measured bool) {
	for _, key := range c.keys[client] {
		value := 0.0
		if s := r.get(key); s != nil {
			value, measured = s.median(), true
		}
		values = append(values, value)
	}
	return values, measured
}
