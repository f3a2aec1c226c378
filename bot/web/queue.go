package web

import (
	"net/http"

	"lockstep/bot"
)

// A Queue is the answer of GET /api/v1/queue.
type Queue struct {
	Lanes []QueueLane `json:"lanes"` // by name
}

// A QueueLane is a lane with its runs.
type QueueLane struct {
	Lane    string       `json:"lane"`
	Freeze  *bot.Freeze  `json:"freeze,omitempty"` // what keeps new runs from it
	Holder  *RunLine     `json:"holder,omitempty"` // absent while it is free
	Waiting []QueuedLine `json:"waiting"`          // in order
}

// A QueuedLine is a run that waits for its lane.
type QueuedLine struct {
	Run   RunLine `json:"run"`
	Place string  `json:"place"` // where it waits, and when it may start, in words
}

// queue answers GET /api/v1/queue.
func (s *Server) queue(r *http.Request) (any, error) {
	lanes, err := s.Store.Lanes(r.Context())
	if err != nil {
		return nil, err
	}
	open, err := s.open(r.Context())
	if err != nil {
		return nil, err
	}
	queue := Queue{Lanes: []QueueLane{}}
	for _, lane := range lanes {
		l := QueueLane{Lane: lane.Lane, Freeze: lane.Freeze(), Waiting: []QueuedLine{}}
		if holder, ok := open[lane.Holder]; ok {
			l.Holder = &holder
		}
		for _, id := range lane.Waiting {
			waiting, ok := open[id]
			if !ok { // it has got its lane since
				continue
			}
			place, err := s.Store.Place(r.Context(), id)
			if err != nil {
				return nil, err
			}
			l.Waiting = append(l.Waiting, QueuedLine{waiting, place})
		}
		queue.Lanes = append(queue.Lanes, l)
	}
	return queue, nil
}
