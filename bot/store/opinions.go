package store

import (
	"context"
	"fmt"
	"strings"

	"lockstep/bot"
)

// opine stores what somebody answers at o.At to a gate of a run. The first answer of each
// speaker counts: another one of the same account, or of the same name where no account is
// known, capitals aside, is not added, and the earlier is returned.
// Whether the gate takes an answer is for the caller to ask the run; see
// bot.Run.Answerable.
func opine(ctx context.Context, tx Tx, run, environment string, o bot.Opinion) (earlier, added bool, err error) {
	speaker := strings.ToLower(strings.TrimSpace(o.By))
	if o.ByID != 0 {
		speaker = fmt.Sprintf("#%d", o.ByID) // which no name begins with
	}
	yes := 0
	if o.Yes {
		yes = 1
	}
	rows, err := tx.Exec(ctx, `INSERT INTO opinions (run, environment, gate, speaker, said_by, said_id, yes, reason, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (run, environment, gate, speaker) DO NOTHING`,
		run, environment, o.Gate, speaker, o.By, o.ByID, yes, o.Reason, millis(o.At))
	if err != nil || rows == 1 {
		return false, true, err
	}
	_, err = tx.One(ctx, `SELECT yes FROM opinions WHERE run = $1 AND environment = $2 AND gate = $3 AND speaker = $4`,
		[]any{run, environment, o.Gate, speaker}, &yes)
	return yes == 1, false, err
}

// Opinions returns what was answered to a gate of a run, in order.
func (s *Store) Opinions(ctx context.Context, run, environment, gate string) ([]bot.Opinion, error) {
	all, err := opinions(ctx, s.db, run, environment, gate)
	if err != nil {
		return nil, fmt.Errorf("answers to gate %s of run %q: %w", gate, run, err)
	}
	return all, nil
}

// opinions reads what was answered to a gate.
func opinions(ctx context.Context, tx Tx, run, environment, gate string) ([]bot.Opinion, error) {
	var opinions []bot.Opinion
	err := tx.Each(ctx, `SELECT said_by, said_id, yes, reason, at FROM opinions WHERE run = $1 AND environment = $2 AND gate = $3 ORDER BY at, speaker`,
		[]any{run, environment, gate}, func(scan Scan) error {
			o := bot.Opinion{Gate: gate}
			var yes int
			var at int64
			if err := scan(&o.By, &o.ByID, &yes, &o.Reason, &at); err != nil {
				return err
			}
			o.Yes, o.At = yes == 1, moment(at)
			opinions = append(opinions, o)
			return nil
		})
	return opinions, err
}
