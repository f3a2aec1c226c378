package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestQuiet(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	log := slog.New(quiet{slog.NewTextHandler(&out, nil)}).With("service", "queue").WithGroup("dbos")
	log.Warn("a wait has ended")
	log.Error("stopped", "error", fmt.Errorf("begin: %w", context.Canceled))
	log.Error("broken", "error", errors.New("disk full"))
	_, got, _ := strings.Cut(strings.TrimSpace(out.String()), " ")
	if want := `level=ERROR msg=broken service=queue dbos.error="disk full"`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
