package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lockstep/bot"
)

// Place says in words where a run waits, for how long it has, and when it is likely to
// start: "2nd in lane integration, behind run …; likely to start in about 25m", or that
// the lane is frozen, by whom, until when and why, or that its track is closed; "" for a run that does not wait for its lane.
func (s *Store) Place(ctx context.Context, id string) (string, error) {
	r, granted, err := load(ctx, s.db, id)
	if err != nil {
		return "", err
	}
	if r.State != bot.Queued || !granted.IsZero() {
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
	waits := ""
	if waited := now.Sub(r.Created); waited >= time.Minute {
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
	case frozenFor(l, r):
		return fmt.Sprintf("%s in lane %s, which is %s", position, l.Lane, l.Freeze())
	case shut != "":
		return fmt.Sprintf("%s in lane %s; %s", position, l.Lane, shut)
	case ahead != "":
		return fmt.Sprintf("%s in lane %s, behind run %s", position, l.Lane, ahead)
	}
	return fmt.Sprintf("%s in lane %s", position, l.Lane)
}

// frozenFor reports that a run does not get the lane before it is thawed.
func frozenFor(l bot.LaneState, r *bot.Run) bool { return l.Freeze() != nil && r.Undoes == "" }

// estimate says when a run that waits is likely to start, as the end of a sentence: when
// those ahead of it take as long as the runs that held the lane last. It is "" when
// nothing is ahead, when nothing is known of earlier runs, and when it hangs on a person
// or a window: the lane is frozen, its holder has stalled, the track is closed.
func estimate(ctx context.Context, tx Tx, l bot.LaneState, r *bot.Run, now time.Time) (string, error) {
	waiting := slices.Index(l.Waiting, r.ID)
	if shut, _ := r.Shut(now); l.Holder == "" && waiting <= 0 || frozenFor(l, r) || shut != "" {
		return "", nil
	}
	typical, err := typicalHold(ctx, tx, l.Lane)
	if err != nil || typical == 0 {
		return "", err
	}
	left := typical * time.Duration(waiting)
	if l.Holder != "" {
		var state string
		var granted int64
		if _, err := tx.One(ctx, `SELECT state, granted FROM runs WHERE id = $1`, []any{l.Holder}, &state, &granted); err != nil {
			return "", err
		}
		if state == string(bot.Stalled) {
			return "", nil
		}
		left += max(typical-now.Sub(moment(granted)), 0)
	}
	if left < time.Minute {
		return "; likely to start soon", nil
	}
	return "; likely to start in about " + rough(left), nil
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
