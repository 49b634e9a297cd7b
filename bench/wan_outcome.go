package main

import (
	"errors"
	"slices"
	"sort"
	"time"
)

// warmUp is the share of a measurement that its goodput leaves out: what a stream needs to find its rate is another row's.
const warmUp = 0.3

// outcome is one measurement over a bed.
type outcome struct {
	nearReport
	farReport
	length time.Duration
}

// measure runs both ends. Streams carry data for the given time, and beside them there is an echo if so said.
func (t *bed) measure(p pair, bulks int, echo bool, length time.Duration) (*outcome, error) {
	p.far.Role, p.far.Bulks = "far", bulks
	p.near.Role, p.near.Bulks, p.near.Echo, p.near.For = "near", bulks, echo, length
	far, err := t.actReady(t.B, p.far)
	if err != nil {
		return nil, err
	}
	defer far.kill()
	near, err := t.act(t.A, p.near)
	if err != nil {
		return nil, err
	}
	o := &outcome{length: length}
	if err := near.report(&o.nearReport); err != nil {
		return nil, err
	}
	far.stop()
	if err := far.report(&o.farReport); err != nil {
		return nil, err
	}
	return o, o.check(echo)
}

// check says what makes an outcome worthless.
func (o *outcome) check(echo bool) error {
	switch {
	case o.Corrupt != "":
		return errors.New(o.Corrupt)
	case echo && len(o.Echoes) == 0:
		return errors.New("no round trip was measured")
	}
	return nil
}

// goodput returns what bulk stream i delivered once it was warm, in MB/s.
func (o *outcome) goodput(i int) float64 {
	from, to := o.Start.Add(time.Duration(warmUp*float64(o.length))), o.Start.Add(o.length)
	return (o.arrived(i, to) - o.arrived(i, from)) / 1e6 / to.Sub(from).Seconds()
}

// goodputs returns the sum of all streams, and the slowest against the fastest.
func (o *outcome) goodputs() (sum, fairness float64) {
	var all []float64
	for i := range o.Arrived {
		all = append(all, o.goodput(i))
		sum += all[i]
	}
	return sum, slices.Min(all) / slices.Max(all)
}

// arrived returns how many bytes of a stream had arrived at a time. Between two samples they came evenly, or else a large message
// before or behind the time would count whole.
func (o *outcome) arrived(stream int, at time.Time) float64 {
	samples, t := o.Arrived[stream], at.UnixNano()
	i := sort.Search(len(samples), func(i int) bool { return samples[i].At > t })
	switch {
	case i == 0:
		return 0
	case i == len(samples):
		return float64(samples[i-1].Bytes)
	}
	before, after := samples[i-1], samples[i]
	return float64(before.Bytes) + float64(after.Bytes-before.Bytes)*float64(t-before.At)/float64(after.At-before.At)
}

// delivered returns when so many bytes of a stream had arrived.
func (o *outcome) delivered(stream int, length int64) (time.Time, bool) {
	for _, s := range o.Arrived[stream] {
		if s.Bytes >= length {
			return time.Unix(0, s.At), true
		}
	}
	return time.Time{}, false
}

// echo returns the median round trip in milliseconds.
func (o *outcome) echo() float64 {
	slices.Sort(o.Echoes)
	return inMillis(o.Echoes[len(o.Echoes)/2])
}
