package repo

import (
	"errors"
	"strings"
	"testing"

	"lockstep/gitops"
)

func TestTree(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("\x01", 20)
	whole := tree("100664 a b\x00" + id + "40000 caf\xe9\x00" + id)
	e, err := whole.find("caf\xe9")
	if err != nil || !e.is(directory) || string(whole[e.at:]) != id || e.id.String() != strings.Repeat("01", 20) {
		t.Errorf("find = %+v, %v", e, err)
	}
	if e, err := whole.find("a b"); err != nil || e.mode != 0o100664 {
		t.Errorf("find = %+v, %v", e, err)
	}
	if _, err := whole.find("b"); !errors.Is(err, gitops.ErrNotFound) {
		t.Errorf("find of what is not there: %v", err)
	}
	if err := (entry{mode: 0o010644, name: []byte("pipe")}).mustBe(regular); !errors.Is(err, gitops.ErrRefused) {
		t.Errorf("an unknown mode: %v, want refused", err)
	}
}

func TestDamagedTree(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("\x01", 20)
	whole := "100644 a\x00" + id + "100644 b\x00" + id
	for end := range len(whole) {
		if end == 0 || end == len(whole)/2 {
			continue
		}
		if _, err := tree(whole[:end]).find("c"); err == nil || errors.Is(err, gitops.ErrNotFound) {
			t.Errorf("cut at %d: %v, want an error", end, err)
		}
	}
	if _, err := tree("1x a\x00" + id).find("a"); err == nil || !strings.Contains(err.Error(), "not octal") {
		t.Errorf("a mode that is no number: %v", err)
	}
}
