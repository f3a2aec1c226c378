package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lockstep/bot"
)

// Place says in words where a run waits, for how long it has, and when it is likely to
// start, or to go on: "2nd in lane integration, behind run …; likely to start in about
// 25m", or what keeps it from that: the lane is frozen, by whom, until when and why, its
// track is closed, the run is held; "" for a run that does not wait for its lane.
func (s *Store) Place(ctx context.Context, id string) (string, error) {
	r, granted, err := load(ctx, s.db, id)
	if err != nil {
		return "", err
	}
	if r.Settled() || !granted.IsZero() {
		return "", nil
	}
	l, err := lane(ctx, s.db, r.Lane)
	if err != nil {
		return "", fmt.Errorf("place of run %q: %w", id, err)
	}
	if !slices.Contains(l.Waiting, id) { // it got its lane at this moment
		return "", nil
	}
	now := s.now()
	soon, err := estimate(ctx, s.db, l, r, now)
	if err != nil {
		return "", fmt.Errorf("place of run %q: %w", id, err)
	}
	since, waits := r.Created, ""
	if r.Yielded != nil {
		since = r.Yielded.At
	}
	if waited := now.Sub(since); waited >= time.Minute {
		waits = "; it has waited for " + rough(waited)
	}
	return place(l, r, now) + waits + soon, nil
}

// place says where a run waits in its lane.
func place(l bot.LaneState, r *bot.Run, now time.Time) string {
	shut, _ := r.Shut(now)
	i := slices.Index(l.Waiting, r.ID)
	position, ahead := "next", l.Holder
	if i > 0 {
		position, ahead = ordinal(i+1), l.Waiting[i-1]
	}
	switch {
	case r.Held != nil && r.Yielded == nil:
		return fmt.Sprintf("%s in lane %s, and others pass: %s, say lockstep resume %s", position, l.Lane, r.Held, r.ID)
	case frozenFor(l, r):
		return fmt.Sprintf("%s in lane %s, which is %s", position, l.Lane, l.Freeze())
	case shut != "" && r.Yielded == nil:
		return fmt.Sprintf("%s in lane %s; %s", position, l.Lane, shut)
	case ahead != "":
		return fmt.Sprintf("%s in lane %s, behind run %s", position, l.Lane, ahead)
	}
	return fmt.Sprintf("%s in lane %s", position, l.Lane)
}

// frozenFor reports that a run does not get the lane before it is thawed.
func frozenFor(l bot.LaneState, r *bot.Run) bool {
	return l.Freeze() != nil && r.Undoes == "" && r.Yielded == nil
}

// estimate says when a run that waits is likely to start, as the end of a sentence: when
// those ahead of it take as long as the runs that held the lane last. It is "" when
// nothing is ahead, when nothing is known of earlier runs, and when it hangs on a person
// or a window: the lane is frozen, its holder or the run itself is held, the holder or one
// ahead has stalled, the track is closed.
func estimate(ctx context.Context, tx Tx, l bot.LaneState, r *bot.Run, now time.Time) (string, error) {
	shut, _ := r.Shut(now)
	kept := shut != "" && r.Yielded == nil || r.Held != nil || r.State == bot.Stalled
	ahead, waits, err := aheadOf(ctx, tx, l, r)
	if err != nil || kept || waits || frozenFor(l, r) || l.Holder == "" && ahead == 0 {
		return "", err
	}
	typical, err := typicalHold(ctx, tx, l.Lane)
	if err != nil || typical == 0 {
		return "", err
	}
	left := typical * time.Duration(ahead)
	if l.Holder != "" {
		_, granted, err := load(ctx, tx, l.Holder)
		if err != nil {
			return "", err
		}
		left += max(typical-now.Sub(granted), 0)
	}
	start := "start"
	if r.Yielded != nil {
		start = "go on"
	}
	if left < time.Minute {
		return fmt.Sprintf("; likely to %s soon", start), nil
	}
	return fmt.Sprintf("; likely to %s in about %s", start, rough(left)), nil
}

// aheadOf counts the runs that get the lane before r does: one that is held lets others
// pass. waits says that somebody has to speak to one of them first: to the holder, or to
// one that has only given way.
func aheadOf(ctx context.Context, tx Tx, l bot.LaneState, r *bot.Run) (n int, waits bool, err error) {
	at := slices.Index(l.Waiting, r.ID)
	err = tx.Each(ctx, `SELECT id, state, held, yielded FROM runs WHERE id = $1
		UNION ALL SELECT id, state, held, yielded FROM runs WHERE lane = $2 AND granted = 0 AND ended = 0`, []any{l.Holder, l.Lane}, func(scan Scan) error {
		var id, state string
		var held, yielded int64
		if err := scan(&id, &state, &held, &yielded); err != nil {
			return err
		}
		i := slices.Index(l.Waiting, id)
		switch began := i < 0 || yielded > 0; {
		case i >= at:
		case began && (held > 0 || state == string(bot.Stalled)):
			waits = true
		case i >= 0 && (began || held == 0):
			n++
		}
		return nil
	})
	return n, waits, err
}

// typicalHold returns the median of how long the last runs held a lane; 0 when none has
// yet. That is from the grant on, not from when they began: proving that the data is
// complete comes before that, and others wait meanwhile. What was refused did not run.
func typicalHold(ctx context.Context, tx Tx, lane string) (time.Duration, error) {
	var held []int64
	err := tx.Each(ctx, `SELECT ended - granted FROM runs WHERE lane = $1 AND ended > 0 AND granted > 0 AND state <> 'refused'
		ORDER BY ended DESC LIMIT 20`, []any{lane}, func(scan Scan) error {
		var ms int64
		err := scan(&ms)
		held = append(held, ms)
		return err
	})
	if err != nil || len(held) == 0 {
		return 0, err
	}
	slices.Sort(held)
	return time.Duration(held[len(held)/2]) * time.Millisecond, nil
}

// rough returns a duration as people say it: 25m, 1h10m, 5h, 3 days.
func rough(d time.Duration) string {
	minutes := int(d.Round(time.Minute) / time.Minute)
	switch {
	case minutes < 60:
		return fmt.Sprintf("%dm", minutes)
	case minutes < 180:
		return fmt.Sprintf("%dh%02dm", minutes/60, minutes%60)
	case minutes < 48*60:
		return fmt.Sprintf("%dh", int(d.Round(time.Hour)/time.Hour))
	}
	return fmt.Sprintf("%d days", int(d.Round(24*time.Hour)/(24*time.Hour)))
}

// ordinal returns n as people count: 1st, 2nd, 11th.
func ordinal(n int) string {
	suffix := "th"
	switch {
	case n%100/10 == 1:
	case n%10 == 1:
		suffix = "st"
	case n%10 == 2:
		suffix = "nd"
	case n%10 == 3:
		suffix = "rd"
	}
	return fmt.Sprintf("%d%s", n, suffix)
}
