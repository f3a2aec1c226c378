package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lockstep/bot"
	"lockstep/bot/trigger"
)

// newComments returns what takes comments on merge requests for commands.
func (s *server) newComments() *trigger.Comments {
	enterprise := func(ctx context.Context) (bool, error) {
		meta, err := s.outside.gitlab.Metadata(ctx)
		return meta.Enterprise, err
	}
	return &trigger.Comments{
		Config: s.cfg, Forum: s.outside.gitlab, Ledger: s.store,
		Do: s.do, Why: s.why, Queue: s.queue, Enterprise: enterprise, Now: now, Log: s.log,
	}
}

// do does what a comment asks for, and answers it at once.
func (s *server) do(ctx context.Context, b bot.Batch) ([]bot.Answer, error) {
	answers, err := s.engine.Do(ctx, b)
	if err == nil {
		s.sender.Wake()
	}
	return answers, err
}

// why says what a run waits for or, in a line for each, what a service runs in the environments of the
// repository in which that is asked.
func (s *server) why(ctx context.Context, q trigger.Query) (string, error) {
	if q.Service == "" {
		return s.store.WhyWaits(ctx, q.Run.ID)
	}
	var sentences []string
	for _, site := range sites(s.cfg) {
		e := s.cfg.Environments[site.Environment]
		if e.Repository != q.Project || q.Environment != "" && q.Environment != site.Environment {
			continue
		}
		spot := bot.Spot{Service: q.Service, Environment: site.Environment}
		sentence, err := s.whyAt(ctx, spot, site.Packages)
		if err != nil {
			return "", err
		}
		sentences = append(sentences, sentence)
	}
	if sentences == nil {
		return "", fmt.Errorf("%w: no environment %.100q has its values in %s", bot.ErrNotFound, q.Environment, q.Project)
	}
	return strings.Join(sentences, "\n"), nil
}

// whyAt says what a service runs of the packages that were deployed to it; where none
// was, that.
func (s *server) whyAt(ctx context.Context, spot bot.Spot, packages []string) (string, error) {
	var known, never []string
	for _, spot.Package = range packages {
		w, err := s.store.Why(ctx, spot)
		switch {
		case err != nil:
			return "", err
		case w.Known():
			known = append(known, w.Sentence)
		default:
			never = append(never, w.Sentence)
		}
	}
	if known == nil {
		known = never[:1]
	}
	return strings.Join(known, "\n"), nil
}

// queue says who holds a lane and who waits for it, for every lane where none is named.
func (s *server) queue(ctx context.Context, lane string) (string, error) {
	lanes, err := s.store.Lanes(ctx)
	if err != nil {
		return "", err
	}
	var sentences []string
	for _, l := range lanes {
		if lane != "" && l.Lane != lane {
			continue
		}
		sentence, err := s.lane(ctx, l)
		if err != nil {
			return "", err
		}
		sentences = append(sentences, sentence)
	}
	if sentences == nil {
		return "nothing was ever asked for", nil
	}
	return strings.Join(sentences, "\n"), nil
}

// lane says who holds a lane and who waits for it.
func (s *server) lane(ctx context.Context, l bot.LaneState) (string, error) {
	var parts []string
	if f := l.Freeze(); f != nil {
		parts = append(parts, f.String())
	}
	for _, id := range slices.Concat([]string{l.Holder}, l.Waiting) {
		if id == "" {
			continue
		}
		r, err := s.store.Run(ctx, id)
		if err != nil {
			return "", err
		}
		place, err := s.store.Place(ctx, id)
		if err != nil {
			return "", err
		}
		if place == "" {
			place = fmt.Sprintf("has it and is %s (%s)", r.State, r.Reason)
		}
		parts = append(parts, fmt.Sprintf("%s %s (run %s) on track %s: %s", r.Package, r.Version, r.ID, r.Track, place))
	}
	if parts == nil {
		parts = []string{"free"}
	}
	return fmt.Sprintf("lane %s: %s", l.Lane, strings.Join(parts, ", ")), nil
}
