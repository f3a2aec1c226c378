package trigger

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"lockstep/bot"
	"lockstep/gitops"
)

// A slot that is older than late when it can be answered was missed: Lockstep did not
// run, or could not tell what is asked for. lookAgain is the longest wait between two
// looks: a slot that could not be answered is tried again, and a clock that was changed
// is noticed.
const (
	late      = 10 * time.Minute
	lookAgain = time.Minute
)

// A ScheduleStore keeps the slots of schedules with their answers.
type ScheduleStore interface {
	// Slot returns a slot with what became of it; false when it has no answer.
	Slot(ctx context.Context, slot bot.Slot) (bot.Slot, bool, error)
	// LastSlot returns the slot of a schedule that was answered last; false without one.
	LastSlot(ctx context.Context, track, schedule string) (bot.Slot, bool, error)
	// AnswerSlot stores a slot with the answer to q, or with its own sentence when q is
	// nil. A slot that has an answer keeps it.
	AnswerSlot(ctx context.Context, slot bot.Slot, q *bot.Request, now time.Time) (bot.Answer, error)
	// NewestGood returns the newest run of a package on a track that ended well and was
	// not put back; nil without one.
	NewestGood(ctx context.Context, track, pkg string) (*bot.Run, error)
	// PutBack returns the run that has put a version back on a track for a person, or is
	// to, since it ended well there last; nil without one.
	PutBack(ctx context.Context, track, pkg string, version gitops.Version) (*bot.Run, error)
}

// A ScheduleCatalog knows which versions and requests make sense. bot.Config is one.
type ScheduleCatalog interface {
	// Newest returns the version that the first of tags announces that announces one.
	Newest(pkg string, tags []gitops.Tag) (gitops.Version, bool)
	// Request returns the request for a version of a package on a track; the error is a
	// sentence for the one who asked.
	Request(pkg, track, version string) (bot.Request, error)
}

// A Scheduler asks for the runs of schedules. Each slot is answered once, however often
// it is looked at and by how many: the store keeps it with its answer. The slots before
// a schedule was looked at for the first time are none of its.
type Scheduler struct {
	Schedules []bot.Schedule
	Store     ScheduleStore
	Catalog   ScheduleCatalog
	Tags      Tags
	Stands    func(ctx context.Context, q bot.Request) (bool, error) // see bot.Bot.Stands
	Wake      func()                                                 // there is a new request
	Now       func() time.Time
	Log       *slog.Logger
	Looked    func(again time.Duration) // as in Poll

	trouble string // what went wrong at the last look; said once
}

// Run answers slots until ctx ends, and returns nil then.
func (l *Scheduler) Run(ctx context.Context) error {
	for {
		next, err := l.look(ctx)
		wait := lookAgain
		if !next.IsZero() {
			wait = max(min(wait, next.Sub(l.Now())), 0)
		}
		if ctx.Err() == nil {
			l.note(err)
			looked(l.Looked, err, wait)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

// note says what is wrong when it begins to be wrong.
func (l *Scheduler) note(err error) {
	trouble := ""
	if err != nil {
		trouble = err.Error()
	}
	if trouble != l.trouble && err != nil {
		l.Log.Warn("a slot of a schedule cannot be answered; will look again", "error", err)
	}
	l.trouble = trouble
}

// look answers what is due and returns when the next slot is. One schedule of which
// nobody can tell what it asks for does not keep the others; the last error is returned.
func (l *Scheduler) look(ctx context.Context) (next time.Time, err error) {
	for i := range l.Schedules {
		s, now := &l.Schedules[i], l.Now()
		if failed := l.due(ctx, s, now); failed != nil {
			err = fmt.Errorf("schedule %s of track %s: %w", s.Name, s.Track, failed)
		}
		if at := s.Next(now).At; next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next, err
}

// due answers the newest slot of a schedule that is not to come, if it has no answer.
func (l *Scheduler) due(ctx context.Context, s *bot.Schedule, now time.Time) error {
	slot, found := s.Due(now)
	if !found {
		return nil
	}
	if _, answered, err := l.Store.Slot(ctx, slot); answered || err != nil {
		return err
	}
	_, known, err := l.Store.LastSlot(ctx, s.Track, s.Name)
	switch {
	case err != nil:
		return err
	case !known:
		return l.leave(ctx, slot, "not asked for: the schedule is new, and this was before it", now)
	case !s.CatchUp && now.Sub(slot.At) > late:
		return l.leave(ctx, slot, "skipped: it could not be answered in time, and catch_up is skip", now)
	}
	return l.answer(ctx, s, slot, now)
}

// leave answers a slot with a sentence alone.
func (l *Scheduler) leave(ctx context.Context, slot bot.Slot, sentence string, now time.Time) error {
	slot.Sentence = sentence
	_, err := l.Store.AnswerSlot(ctx, slot, nil, now)
	return err
}

// answer asks for the run of a slot, if there is anything to do.
func (l *Scheduler) answer(ctx context.Context, s *bot.Schedule, slot bot.Slot, now time.Time) error {
	version, none, err := l.version(ctx, s)
	switch {
	case err != nil:
		return err
	case none != "":
		return l.leave(ctx, slot, none, now)
	}
	q, err := l.Catalog.Request(s.Package, s.Track, string(version))
	if err != nil {
		return l.leave(ctx, slot, "nothing to do: "+err.Error(), now)
	}
	slot.Version = version
	none, err = l.pointless(ctx, q)
	switch {
	case err != nil:
		return err
	case none != "":
		return l.leave(ctx, slot, none, now)
	}
	q.Origin, q.Key, q.By = bot.OriginSchedule, slot.Key(), s.Name+" of "+s.Track
	answer, err := l.Store.AnswerSlot(ctx, slot, &q, now)
	if err != nil {
		return err
	}
	l.Log.Info("a schedule asked for a run", "track", s.Track, "schedule", s.Name, "slot", slot.Local, "version", version, "answer", answer.Sentence)
	if answer.New {
		l.Wake()
	}
	return nil
}

// pointless says why a run would come to nothing, or undo what a person has decided; ""
// when it would not.
func (l *Scheduler) pointless(ctx context.Context, q bot.Request) (string, error) {
	back, err := l.Store.PutBack(ctx, q.Track, q.Package, q.Version)
	switch {
	case err != nil:
		return "", err
	case back != nil:
		return fmt.Sprintf("nothing to do: run %s puts %s %s back there (%s); to have it again, promote it", back.ID, q.Package, q.Version, back.Cause.Sentence), nil
	}
	there, err := l.Stands(ctx, q)
	if err != nil || !there {
		return "", err
	}
	return fmt.Sprintf("nothing to do: %s %s stands everywhere on track %s already", q.Package, q.Version, q.Track), nil
}

// version returns the version that a schedule asks for, or why there is none.
func (l *Scheduler) version(ctx context.Context, s *bot.Schedule) (v gitops.Version, none string, err error) {
	if s.GoodOf != "" {
		r, err := l.Store.NewestGood(ctx, s.GoodOf, s.Package)
		if err != nil || r == nil {
			return "", fmt.Sprintf("nothing to do: no version of %s has ended well on track %s", s.Package, s.GoodOf), err
		}
		return r.Version, "", nil
	}
	tags, err := l.Tags.Tags(ctx, s.Project, maxKnown)
	if err != nil {
		return "", "", err
	}
	v, found := l.Catalog.Newest(s.Package, tags)
	if !found {
		return "", fmt.Sprintf("nothing to do: no tag of %s announces a version of %s", s.Project, s.Package), nil
	}
	return v, "", nil
}
