package store

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// Figures returns what is counted for metrics. It reads the lanes, the runs that have not
// ended, the messages that are not sent, and of all others nothing but their counts.
func (s *Store) Figures(ctx context.Context) (bot.Figures, error) {
	var f bot.Figures
	for _, read := range []func(context.Context, *bot.Figures) error{
		s.laneFigures, s.holderFigures, s.waitingFigures, s.condemnedFigures, s.endFigures, s.outboxFigures,
	} {
		if err := read(ctx, &f); err != nil {
			return bot.Figures{}, fmt.Errorf("figures: %w", err)
		}
	}
	return f, nil
}

// laneFigures reads which lanes there are, and which are frozen.
func (s *Store) laneFigures(ctx context.Context, f *bot.Figures) error {
	all, err := lanes(ctx, s.db, laneColumns+` ORDER BY lane`)
	f.Frozen = frozenWithAll(all) != nil
	for _, l := range all {
		if l.Lane != bot.Everything {
			f.Lanes = append(f.Lanes, bot.LaneFigures{Lane: l.Lane, Frozen: l.Frozen != "", Runs: map[bot.Standing]int{}})
		}
	}
	return err
}

// inLane returns the figures of a lane; nil for one that came just now.
func inLane(f *bot.Figures, lane string) *bot.LaneFigures {
	for i := range f.Lanes {
		if f.Lanes[i].Lane == lane {
			return &f.Lanes[i]
		}
	}
	return nil
}

// holderFigures counts the runs that hold a lane.
func (s *Store) holderFigures(ctx context.Context, f *bot.Figures) error {
	runs, err := s.Active(ctx)
	for _, r := range runs {
		l := inLane(f, r.Lane)
		switch {
		case l == nil:
		case r.State == bot.Stalled:
			l.Stalled = r.Entered
			l.Runs[bot.Halted]++
		case r.Held != nil:
			l.Runs[bot.OnHold]++
		default:
			l.Runs[bot.Active]++
		}
	}
	return err
}

// waitingFigures counts the runs that wait for their lane.
func (s *Store) waitingFigures(ctx context.Context, f *bot.Figures) error {
	return s.db.Each(ctx, `SELECT lanes.lane, runs.held, COUNT(*), MIN(CASE WHEN runs.yielded > 0 THEN runs.yielded ELSE runs.created END)
		FROM lanes JOIN runs ON runs.lane = lanes.lane WHERE runs.granted = 0 AND runs.ended = 0 GROUP BY lanes.lane, runs.held`, nil, func(scan Scan) error {
		var lane string
		var held, count, since int64
		if err := scan(&lane, &held, &count, &since); err != nil {
			return err
		}
		l := inLane(f, lane)
		switch {
		case l == nil:
		case held > 0:
			l.Runs[bot.OnHold] += int(count)
		default:
			l.Runs[bot.Waiting], l.Waiting = int(count), moment(since)
		}
		return nil
	})
}

// condemnedFigures counts the versions that are condemned.
func (s *Store) condemnedFigures(ctx context.Context, f *bot.Figures) error {
	f.Condemned = map[string]int{}
	return s.db.Each(ctx, `SELECT track, COUNT(*) FROM condemned GROUP BY track`, nil, func(scan Scan) error {
		var track string
		var count int
		err := scan(&track, &count)
		f.Condemned[track] = count
		return err
	})
}

// endFigures reads how many runs have ended, as countEnd has counted them.
func (s *Store) endFigures(ctx context.Context, f *bot.Figures) error {
	return s.db.Each(ctx, `SELECT track, result, span, runs, took FROM ends ORDER BY track, result, span`, nil, func(scan Scan) error {
		var e bot.EndFigures
		var span, took int64
		err := scan(&e.Track, &e.Result, &span, &e.Runs, &took)
		e.Took, e.Span = time.Duration(took)*time.Millisecond, bot.Endless
		if span < bot.Endless.Milliseconds() {
			e.Span = time.Duration(span) * time.Millisecond
		}
		f.Ends = append(f.Ends, e)
		return err
	})
}

// outboxFigures counts the messages that wait, by the queues in which they are sent.
func (s *Store) outboxFigures(ctx context.Context, f *bot.Figures) error {
	return s.db.Each(ctx, `SELECT queue, told, COUNT(*), MIN(since), CAST(SUM(attempts) AS BIGINT) FROM (
			SELECT CASE WHEN kind IN ('note', 'label', 'status', 'reply') THEN kind ELSE '`+bot.ChannelQueue+`' END AS queue,
				CASE WHEN kind IN ('note', 'label', 'status', 'reply') THEN '' ELSE channel END AS told, since, attempts
			FROM outbox WHERE sent = 0) AS waiting
		GROUP BY queue, told ORDER BY queue, told`, nil, func(scan Scan) error {
		var b bot.BacklogFigures
		var since int64
		err := scan(&b.Queue, &b.Channel, &b.Waiting, &since, &b.Tries)
		b.Since = moment(since)
		f.Outbox = append(f.Outbox, b)
		return err
	})
}

// countEnd counts a run that has ended, once.
func countEnd(ctx context.Context, tx Tx, r *bot.Run) error {
	span, took := r.Span()
	_, err := tx.Exec(ctx, `INSERT INTO ends (track, result, span, runs, took) VALUES ($1, $2, $3, 1, $4)
		ON CONFLICT (track, result, span) DO UPDATE SET runs = ends.runs + 1, took = ends.took + excluded.took`,
		r.Track, r.ResultWord(), span.Milliseconds(), took.Milliseconds())
	if err != nil {
		return fmt.Errorf("count the end of run %q: %w", r.ID, err)
	}
	return nil
}
