package main

import "fmt"

// Files of the charts.
const (
	goodputChart = "wan-goodput.svg"
	echoChart    = "wan-echo.svg"
)

// saveCharts draws the rows with two equal links, by rate, with a bar for each delay.
func (w *wanRun) saveCharts(dir string) error {
	drawn := newResults()
	goodput := chart{file: goodputChart, title: "Goodput of a Conn against TCP straight", unit: "ratio", keys: make([][]string, len(wanDelays))}
	echo := chart{file: echoChart, title: "Echo beside the bulk: how much later than beside TCP", unit: millis, keys: make([][]string, len(wanDelays))}
	for i, delay := range wanDelays {
		goodput.clients = append(goodput.clients, fmt.Sprintf("%d ms each link", delay.Milliseconds()))
		for _, rate := range wanRates {
			r := &wanRow{name: evenName(rate, delay)}
			ratioKey, laterKey := r.name+", ratio", r.name+", later"
			if c, ok := r.compared(w.results); ok {
				drawn.add(ratioKey, "", c.ratio)
				drawn.add(laterKey, millis, c.later)
			}
			goodput.keys[i] = append(goodput.keys[i], ratioKey)
			echo.keys[i] = append(echo.keys[i], laterKey)
		}
	}
	for _, rate := range wanRates {
		goodput.cases = append(goodput.cases, fmt.Sprintf("%g Mbit/s", rate))
	}
	echo.clients, echo.cases = goodput.clients, goodput.cases
	if err := goodput.save(dir, drawn); err != nil {
		return err
	}
	return echo.save(dir, drawn)
}
