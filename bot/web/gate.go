package web

import (
	"context"
	"fmt"
	"time"

	"lockstep/bot"
)

// A Gate is a gate of a run as people see it.
type Gate struct {
	Environment string          `json:"environment"`
	Name        string          `json:"name"`
	Before      bool            `json:"before,omitempty"` // it is asked before the deployment, not after
	Mark        bot.Mark        `json:"mark,omitempty"`
	Outcome     bot.GateOutcome `json:"outcome"` // passed, failed, failed but allowed, or no result; "" until it has one
	Since       time.Time       `json:"since,omitzero"`
	Reason      string          `json:"reason,omitempty"`
	Link        string          `json:"link,omitempty"`
	Opinions    []bot.Opinion   `json:"opinions,omitempty"` // what people, or a program, answered
	Commands    []string        `json:"commands,omitempty"` // by which people answer it; absent while they are not asked
}

// gates returns the gates that a board shows, with what was answered to them.
func (s *Server) gates(ctx context.Context, run *bot.Run, board []bot.Column) ([]Gate, error) {
	var all []Gate
	for _, stage := range run.Stages {
		for n, plan := range stage.Plan.Gates {
			mark, shown := markIn(board, stage.Plan.Environment, plan)
			if !shown || n >= len(stage.Gates) {
				continue
			}
			state := stage.Gates[n]
			g := Gate{
				Environment: stage.Plan.Environment, Name: plan.Name, Before: plan.Before, Mark: mark,
				Outcome: state.Outcome, Since: state.Since, Reason: state.Reason, Link: state.Link,
			}
			if err := s.answers(ctx, run, plan, &g); err != nil {
				return nil, err
			}
			all = append(all, g)
		}
	}
	return all, nil
}

// markIn returns the mark of a gate on a board, if that shows it.
func markIn(board []bot.Column, environment string, plan bot.GatePlan) (bot.Mark, bool) {
	name := bot.ColumnGates + "-" + environment
	if plan.Before {
		name = bot.ColumnChecks + "-" + environment
	}
	for _, column := range board {
		for _, cell := range column.Cells {
			if column.Name == name && cell.Name == plan.Name {
				return cell.Mark, true
			}
		}
	}
	return "", false
}

// answers adds to a gate that asks what was answered to it, and how people answer it now.
func (s *Server) answers(ctx context.Context, run *bot.Run, plan bot.GatePlan, g *Gate) (err error) {
	if plan.Approval == nil && plan.Callback == nil {
		return nil
	}
	if g.Opinions, err = s.Store.Opinions(ctx, run.ID, g.Environment, g.Name); err != nil {
		return err
	}
	if _, refused := run.Answerable(g.Environment, g.Name); refused != nil || plan.Approval == nil {
		return nil
	}
	where := ""
	if _, several := run.Answerable("", g.Name); several != nil {
		where = " --environment " + g.Environment
	}
	for _, verb := range []string{"confirm", "deny"} {
		g.Commands = append(g.Commands, fmt.Sprintf("lockstep %s %s %s%s", verb, run.ID, g.Name, where))
	}
	return nil
}
