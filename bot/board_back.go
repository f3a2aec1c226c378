package bot

import (
	"fmt"
	"slices"
)

// Rollback shows each service of every stage on its way back: passed is put back,
// warned left alone, failed and unsure not put back, skipped nothing to do.
func (r *Run) Rollback() []Cell {
	var cells []Cell
	for _, s := range r.Stages {
		for _, service := range s.Plan.Services {
			cells = append(cells, r.backCell(s, service))
		}
		if p := s.Plan.Deploy; p != nil {
			cells = append(cells, r.backCell(s, Service{Name: p.Name}))
		}
	}
	return cells
}

// backCell shows one service of a stage, or its parameter, on its way back: put back,
// left alone, or nothing to do.
func (r *Run) backCell(s Stage, service Service) Cell {
	environment := s.Plan.Environment
	c := Cell{Name: service.Name, Environment: environment}
	for _, left := range r.Left {
		if left.Bump.Environment == environment && left.Bump.Service == service.Name {
			c.Mark, c.Reason = MarkWarned, "left alone: "+left.Reason
			return c
		}
	}
	for i := range r.Backs {
		if bump, ok := r.Backs[i].bump(environment, service); ok {
			c.From, c.To, c.Link = bump.From, bump.To, r.Backs[i].Link
			switch {
			case r.Backs[i].show(&c):
			case r.Backs[i].Set && bump.Service == c.Name && service.File == "":
				c.Mark = MarkPassed
			default:
				c.Mark = r.pendingBack(i)
			}
			return c
		}
	}
	switch {
	case r.Direction == Back && s.Delivery.wrote() && !r.covers(environment):
		c.Mark, c.Reason = MarkSkipped, fmt.Sprintf("stays on %s", r.Version)
	case r.Direction == Back:
		c.Mark, c.Reason = MarkSkipped, "nothing to do"
	case r.Settled():
		c.Mark = MarkSkipped
	}
	return c
}

// covers reports that the way back covers an environment.
func (r *Run) covers(environment string) bool {
	return slices.ContainsFunc(r.scoped(), func(s Stage) bool { return s.Plan.Environment == environment })
}

// pendingBack is the mark of a service that delivery i of the way back is to put
// back, and of which nothing was seen yet.
func (r *Run) pendingBack(i int) Mark {
	switch {
	case r.State == Stalled && i == r.At:
		return MarkUnsure
	case r.Settled():
		return MarkUnsure // a verdict ended the way back before anybody looked
	case i == r.At:
		return MarkRunning
	}
	return MarkOpen
}
