package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockstep/gates"
	"lockstep/gitops"
)

// gate asks the open gates that stand before stage i, or after it: one group after the
// other, those of a group at the same time. It begins one gate a step.
func (b *Bot) gate(ctx context.Context, r *Run, i int, before bool) (Outcome, error) {
	s := &r.Stages[i]
	group := s.asked(before)
	switch {
	case len(group) == 0 && before:
		r.Stage = i
		return to(Cleared, "%s", s.verdicts(before)), nil
	case len(group) == 0:
		return to(Gated, "%s", s.verdicts(before)), nil
	}
	for _, n := range group {
		if s.Gates[n].Since.IsZero() {
			return b.begin(ctx, r, i, n)
		}
	}
	if !slices.ContainsFunc(group, func(n int) bool { return s.due(n, b.Now()) }) {
		return Outcome{Pace: Soon, Reason: r.Reason, Pauses: s.askPeople(group)}, nil
	}
	return b.weigh(r, i, group, b.ask(ctx, r, i, group))
}

// weigh returns what the answers of a group of gates come to, taken in their order: the
// first that ends the stage, else the outcomes that there are, else what is waited for.
func (b *Bot) weigh(r *Run, i int, group []int, replies map[int]gates.Reply) (Outcome, error) {
	var news, waits []string
	var unknown []error
	link := ""
	for _, n := range group {
		o, waiting, err := b.heard(r, i, n, replies)
		switch {
		case errors.Is(err, gitops.ErrRefused):
			return Outcome{}, err
		case err != nil:
			unknown = append(unknown, err)
		case waiting != "":
			waits = append(waits, waiting)
		case o.State != "":
			return o, nil
		default:
			news, link = append(news, o.Reason), cmp.Or(link, o.Link)
		}
	}
	switch {
	case len(news) > 0:
		return again("%s", strings.Join(news, "; ")).linked(link), nil
	case len(waits) == 0:
		return Outcome{}, errors.Join(unknown...)
	}
	o := wait("%s", strings.Join(waits, "; "))
	o.Calm, o.Pauses = true, r.Stages[i].askPeople(group)
	return o, nil
}

// askPeople reports that all gates of a group ask people: only they are awaited.
func (s *Stage) askPeople(group []int) bool {
	return !slices.ContainsFunc(group, func(n int) bool { return s.Plan.Gates[n].Approval == nil })
}

// due reports that gate n may be asked again.
func (s *Stage) due(n int, now time.Time) bool {
	return now.Sub(s.Gates[n].Asked) >= s.Plan.Gates[n].Interval
}

// guarded reports that gates stand before the stage.
func (p StagePlan) guarded() bool {
	return slices.ContainsFunc(p.Gates, func(g GatePlan) bool { return g.Before })
}

// asked returns the indexes of the gates that are to be asked next, before the stage
// or after it: the first without an outcome, with its group. None: all have one.
func (s *Stage) asked(before bool) []int {
	var group []int
	for n, p := range s.Plan.Gates {
		if p.Before != before || s.Gates[n].Outcome != GateOpen {
			continue
		}
		if len(group) > 0 && (p.Group == "" || p.Group != s.Plan.Gates[group[0]].Group) {
			break
		}
		group = append(group, n)
	}
	return group
}

// begin starts a gate.
func (b *Bot) begin(ctx context.Context, r *Run, i, n int) (Outcome, error) {
	s := &r.Stages[i]
	p, g := s.Plan.Gates[n], &s.Gates[n]
	gate, err := b.Gates.Gate(p)
	if err != nil {
		return Outcome{}, err
	}
	ticket, err := gate.Start(ctx, b.subject(r, i, n))
	if err != nil {
		return b.unanswered(r, i, n, err)
	}
	g.Misses = 0
	g.Ticket, g.Since = ticket, b.Now()
	g.Clock.start(g.Since)
	o := again("gate %s of %s started", p.Name, s.Plan.Environment)
	if p.Approval != nil {
		o = again("gate %s of %s waits for people: %s", p.Name, s.Plan.Environment, p.Approval.wants()).asking()
	}
	return o, nil
}

// wants says who has to approve.
func (a *ApprovalGate) wants() string {
	if len(a.By) == 0 {
		return fmt.Sprintf("%s to be given", count(a.Count, "approval"))
	}
	return fmt.Sprintf("%s to be given by %s", count(a.Count, "approval"), strings.Join(a.By, ", "))
}

// ask asks those gates of a group that are due, at the same time, and returns the reply
// of each.
func (b *Bot) ask(ctx context.Context, r *Run, i int, group []int) map[int]gates.Reply {
	s := &r.Stages[i]
	replies := map[int]gates.Reply{}
	var asked []int
	var questions []gates.Question
	for _, n := range group {
		if !s.due(n, b.Now()) {
			continue
		}
		gate, err := b.Gates.Gate(s.Plan.Gates[n])
		if err != nil {
			replies[n] = gates.Reply{Err: err}
			continue
		}
		asked = append(asked, n)
		questions = append(questions, gates.Question{Gate: gate, Subject: b.subject(r, i, n), Ticket: s.Gates[n].Ticket})
	}
	for k, reply := range gates.AskAll(ctx, questions) {
		replies[asked[k]] = reply
	}
	return replies
}

// heard notes what a gate has replied. It returns the outcome of a gate that has one now,
// or else what it waits for.
func (b *Bot) heard(r *Run, i, n int, replies map[int]gates.Reply) (o Outcome, waiting string, err error) {
	s, now := &r.Stages[i], b.Now()
	p, g := s.Plan.Gates[n], &s.Gates[n]
	reply, asked := replies[n]
	if !asked {
		return Outcome{}, fmt.Sprintf("gate %s: %s", p.Name, g.Reason), nil
	}
	g.Asked = now
	if reply.Err != nil {
		o, err = b.unanswered(r, i, n, reply.Err)
		return o, "", err
	}
	verdict := reply.Verdict
	g.Clock.answered(now)
	g.Misses, g.Reason, g.Link = 0, verdict.Reason, verdict.Link
	switch {
	case verdict.Result == gates.Passed:
		g.Outcome = GatePassed
		return again("gate %s passed: %s", p.Name, verdict.Reason).linked(verdict.Link), "", nil
	case verdict.Result == gates.Failed:
		g.Outcome = GateFailed
		return r.judged(i, n, fmt.Sprintf("gate %s failed: %s", p.Name, verdict.Reason)), "", nil
	case verdict.Result == gates.None:
		g.Outcome = GateNone
		return r.judged(i, n, fmt.Sprintf("gate %s gave no result: %s", p.Name, verdict.Reason)), "", nil
	case g.Clock.overdue(now, p.TimeLimit):
		g.Outcome = GateNone
		return r.judged(i, n, fmt.Sprintf("gate %s gave no result within %s: %s", p.Name, p.TimeLimit, verdict.Reason)), "", nil
	}
	return Outcome{}, fmt.Sprintf("gate %s: %s", p.Name, verdict.Reason), nil
}

// unanswered notes that a gate could not tell. That is no verdict however long it lasts:
// at the end of patience a gate that may fail has no result, and for another one
// people are called.
func (b *Bot) unanswered(r *Run, i, n int, unknown error) (Outcome, error) {
	p, g, now := r.Stages[i].Plan.Gates[n], &r.Stages[i].Gates[n], b.Now()
	g.Clock.missed(now)
	g.Misses++
	since := g.Clock.lost(now)
	g.Reason = "could not tell"
	refused := errors.Is(unknown, gitops.ErrRefused)
	switch err := fmt.Errorf("gate %s: %w", p.Name, unknown); {
	case refused && !p.AllowFailure:
		return Outcome{}, err
	case !refused && since < b.Limits.Unknown && (p.Retries == 0 || g.Misses <= p.Retries):
		return Outcome{}, err
	case p.AllowFailure:
		g.Outcome, g.Reason = GateNone, fmt.Sprintf("could not tell: %v", unknown)
		return r.judged(i, n, fmt.Sprintf("gate %s gave no result: it could not be asked %s in a row: %v", p.Name, times(g.Misses), unknown)), nil
	default:
		return call("nobody could tell for %s, asked %s in a row, see to it and resume the run: %v", since.Round(time.Second), times(g.Misses), err), nil
	}
}

// times returns how often something was done.
func times(n int) string { return count(n, "time") }

// judged goes on after a gate that did not pass, if it was allowed to fail.
func (r *Run) judged(i, n int, sentence string) Outcome {
	s := &r.Stages[i]
	p, g := s.Plan.Gates[n], &s.Gates[n]
	if !p.AllowFailure {
		return r.fail(Cause{
			Sentence: sentence, Link: g.Link, Environment: s.Plan.Environment, Gate: p.Name,
			Verdict: p.Approval == nil && p.Callback == nil || g.Outcome == GateFailed, // who is silent says nothing about the version
		})
	}
	if g.Outcome == GateFailed {
		g.Outcome = GateAllowed
	}
	r.Warnings = append(r.Warnings, sentence+" (allowed to fail)")
	return again("%s, which is allowed", sentence).linked(g.Link)
}

// subject returns what gate n of stage i is asked about.
func (b *Bot) subject(r *Run, i, n int) gates.Subject {
	s := r.Stages[i]
	return gates.Subject{
		Run: r.ID, Gate: s.Gates[n].Name, Track: r.Track, Package: r.Package, Environment: s.Plan.Environment,
		Version: r.Version, Commit: s.Delivery.Landed, By: r.By, ByID: r.ByID, Since: s.Gates[n].Since, Now: b.Now(),
	}
}

// verdicts says how the gates before a stage, or after it, ended.
func (s *Stage) verdicts(before bool) string {
	var parts []string
	for n, g := range s.Gates {
		if s.Plan.Gates[n].Before == before {
			parts = append(parts, fmt.Sprintf("%s %s", g.Name, g.Outcome))
		}
	}
	switch {
	case len(parts) == 0:
		return fmt.Sprintf("%s has no gates", s.Plan.Environment)
	case before:
		return fmt.Sprintf("gates before %s: %s", s.Plan.Environment, strings.Join(parts, ", "))
	}
	return fmt.Sprintf("gates of %s: %s", s.Plan.Environment, strings.Join(parts, ", "))
}
