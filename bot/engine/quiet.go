package engine

import (
	"context"
	"errors"
	"log/slog"
)

// quiet passes on DBOS's errors only. It warns of every wait that ends without a hint,
// and waiting is most of what runs do; and it takes our own stop for an error.
type quiet struct{ slog.Handler }

func (q quiet) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelError && q.Handler.Enabled(ctx, level)
}

func (q quiet) Handle(ctx context.Context, record slog.Record) error {
	stopping := false
	record.Attrs(func(a slog.Attr) bool {
		err, isError := a.Value.Any().(error)
		stopping = isError && errors.Is(err, context.Canceled)
		return !stopping
	})
	if stopping {
		return nil
	}
	return q.Handler.Handle(ctx, record)
}

func (q quiet) WithAttrs(attrs []slog.Attr) slog.Handler { return quiet{q.Handler.WithAttrs(attrs)} }

func (q quiet) WithGroup(name string) slog.Handler { return quiet{q.Handler.WithGroup(name)} }
