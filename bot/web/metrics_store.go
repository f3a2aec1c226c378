package web

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lockstep/bot"
)

// What the store counts is read again after figuresLast, so that it costs the same however
// many ask, and is given up after figuresWait: Prometheus waits for 10 s.
const (
	figuresLast = 2 * time.Second
	figuresWait = 5 * time.Second
)

// The metrics of what the store counts. Every process shows the same: do not add them up.
var (
	storeUp       = metric("store_up", "1 while the database answers; 0: all metrics of runs, lanes and messages are missing.")
	runsNow       = metric("runs", "Runs that have not ended, by lane and how they stand (active, waiting, stalled, held).", "lane", "state")
	laneFrozen    = metric("lane_frozen", "1 while the lane, or everything, is frozen.", "lane")
	laneWaiting   = metric("lane_oldest_waiting_seconds", "How long the run has waited for the lane that has waited longest, those that are held left out; 0: none waits.", "lane")
	laneStalled   = metric("lane_stalled_seconds", "How long the run that holds the lane has been stalled; 0: it is not.", "lane")
	condemnedNow  = metric("condemned_versions", "Versions that are condemned now.", "track")
	runsEnded     = metric("runs_ended_total", "Runs that have ended since the database was made.", "track", "result")
	runsTook      = metric("run_duration_seconds", "How long runs took from when they had their lane to their end, since the database was made; those that never began left out.", "track", "result")
	outboxWaiting = metric("outbox_messages", "Messages that wait to be sent, by queue (note, label, status, reply; channel, with the name that the configuration gives it).", "queue", "channel")
	outboxOldest  = metric("outbox_oldest_seconds", "How long the message has waited that has waited longest; 0: none waits.", "queue", "channel")
	outboxTries   = metric("outbox_failed_tries", "Tries to send the messages that wait, all of which have failed.", "queue", "channel")
)

// A reading is what the store counted a moment ago.
type reading struct {
	mu      sync.Mutex // held while the store is asked: the others want the same answer
	at      time.Time  // when it was asked
	figures bot.Figures
	err     error // why it could not answer
}

// figures returns what the store counts, or counted a moment ago. That it begins to fail is
// logged once.
func (m *Metrics) figures() (bot.Figures, error) {
	m.read.mu.Lock()
	defer m.read.mu.Unlock()
	if age := m.Now().Sub(m.read.at); age >= 0 && age < figuresLast {
		return m.read.figures, m.read.err
	}
	ctx, cancel := context.WithTimeout(context.Background(), figuresWait)
	defer cancel()
	f, err := m.Figures(ctx)
	if err != nil && m.read.err == nil {
		m.Log.Error("the store cannot be read for metrics", "error", err)
	}
	m.read.figures, m.read.err, m.read.at = f, err, m.Now()
	return f, err
}

// collectStore sends what the store counts.
func (m *Metrics) collectStore(ch chan<- prometheus.Metric) {
	f, err := m.figures()
	ch <- prometheus.MustNewConstMetric(storeUp, prometheus.GaugeValue, number(err == nil))
	if err != nil {
		return
	}
	m.collectLanes(ch, f)
	m.collectTracks(ch, f)
	m.collectOutbox(ch, f)
}

// number returns how a metric says yes or no.
func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// age returns how many seconds ago something was; 0 when it was not.
func (m *Metrics) age(since time.Time) float64 {
	if since.IsZero() {
		return 0
	}
	return max(m.Now().Sub(since).Seconds(), 0)
}

// collectLanes sends what is known of lanes.
func (m *Metrics) collectLanes(ch chan<- prometheus.Metric, f bot.Figures) {
	lanes := map[string]bot.LaneFigures{}
	for _, name := range m.Lanes {
		lanes[name] = bot.LaneFigures{}
	}
	for _, l := range f.Lanes {
		lanes[l.Lane] = l
	}
	for name, l := range lanes {
		for _, standing := range bot.Standings {
			ch <- prometheus.MustNewConstMetric(runsNow, prometheus.GaugeValue, float64(l.Runs[standing]), name, string(standing))
		}
		ch <- prometheus.MustNewConstMetric(laneFrozen, prometheus.GaugeValue, number(l.Frozen || f.Frozen), name)
		ch <- prometheus.MustNewConstMetric(laneWaiting, prometheus.GaugeValue, m.age(l.Waiting), name)
		ch <- prometheus.MustNewConstMetric(laneStalled, prometheus.GaugeValue, m.age(l.Stalled), name)
	}
}

// An end is a track with how runs ended there.
type end struct{ track, result string }

// collectTracks sends what is known of tracks.
func (m *Metrics) collectTracks(ch chan<- prometheus.Metric, f bot.Figures) {
	condemned, ends := map[string]int{}, map[end][]bot.EndFigures{}
	for _, track := range m.Tracks {
		condemned[track] = 0
		for _, result := range bot.Results {
			ends[end{track, result}] = nil
		}
	}
	for track, n := range f.Condemned {
		condemned[track] = n
	}
	for track, n := range condemned {
		ch <- prometheus.MustNewConstMetric(condemnedNow, prometheus.GaugeValue, float64(n), track)
	}
	for _, e := range f.Ends {
		key := end{e.Track, e.Result}
		ends[key] = append(ends[key], e)
	}
	for key, all := range ends {
		var runs int64
		for _, e := range all {
			runs += e.Runs
		}
		ch <- prometheus.MustNewConstMetric(runsEnded, prometheus.CounterValue, float64(runs), key.track, key.result)
		if h := durations(key, all); h != nil {
			ch <- h
		}
	}
}

// durations returns how long runs took that ended in one way; nil when none of them began.
func durations(key end, all []bot.EndFigures) prometheus.Metric {
	var runs uint64
	var took time.Duration
	within := map[float64]uint64{} // the runs that took no longer than so many seconds
	for _, span := range bot.Spans {
		within[span.Seconds()] = 0
	}
	for _, e := range all {
		if e.Span == 0 {
			continue
		}
		runs, took = runs+uint64(e.Runs), took+e.Took
		for _, span := range bot.Spans {
			if e.Span <= span {
				within[span.Seconds()] += uint64(e.Runs)
			}
		}
	}
	if runs == 0 {
		return nil
	}
	return prometheus.MustNewConstHistogram(runsTook, runs, took.Seconds(), within, key.track, key.result)
}

// collectOutbox sends what is known of messages that wait.
func (m *Metrics) collectOutbox(ch chan<- prometheus.Metric, f bot.Figures) {
	type queue struct{ name, channel string }
	queues := map[queue]bot.BacklogFigures{}
	for _, name := range bot.Queues {
		queues[queue{name, ""}] = bot.BacklogFigures{}
	}
	for _, channel := range m.Channels {
		queues[queue{bot.ChannelQueue, channel}] = bot.BacklogFigures{}
	}
	for _, b := range f.Outbox {
		queues[queue{b.Queue, b.Channel}] = b
	}
	for q, b := range queues {
		ch <- prometheus.MustNewConstMetric(outboxWaiting, prometheus.GaugeValue, float64(b.Waiting), q.name, q.channel)
		ch <- prometheus.MustNewConstMetric(outboxOldest, prometheus.GaugeValue, m.age(b.Since), q.name, q.channel)
		ch <- prometheus.MustNewConstMetric(outboxTries, prometheus.GaugeValue, float64(b.Tries), q.name, q.channel)
	}
}
