package store

import (
	"testing"

	"lockstep/bot"
)

// announcedBy returns a request for version 1 that an announcement makes.
func announcedBy(o bot.Origin, key string) bot.Request {
	q := request("1")
	q.Origin, q.Key = o, string(o)+" "+key
	return q
}

func TestVersionThatIsAnnouncedTwiceIsOneRun(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		first := accepted(t, s, announcedBy(bot.OriginTag, "a"))[0]
		contains(t, asked(t, s, announcedBy(bot.OriginRelease, "a"), 1).Sentence, "joins run "+first)
		granted(t, s)
		moved(t, s, first, bot.Done, "it is done")
		for i, o := range bot.Announcements {
			answer := asked(t, s, announcedBy(o, "b"), 2+i)
			if answer.New || answer.Refused || answer.Run != first {
				t.Errorf("%s: got %+v, want run %s", o, answer, first)
			}
			contains(t, answer.Sentence, "mda 1 was announced by tag already: run "+first+", which is done")
		}
		if person := asked(t, s, byAPI("1", "c"), 20); !person.New {
			t.Errorf("a person asks: got %+v, want a new run", person)
		}
	})
}

// Whose run it is that serves the first announcement makes no difference.
func TestAnnouncementThatJoinedAPersonsRunIsServedByThat(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		first := accepted(t, s, byAPI("1", "a"))[0]
		asked(t, s, announcedBy(bot.OriginTag, "a"), 1)
		granted(t, s)
		moved(t, s, first, bot.Done, "it is done")
		answer := asked(t, s, announcedBy(bot.OriginListing, "a"), 2)
		if answer.New || answer.Run != first {
			t.Errorf("got %+v, want run %s", answer, first)
		}
		contains(t, answer.Sentence, "mda 1 was announced already: run "+first)
	})
}

// An older program kept no request for the first announcement of a version.
func TestAnnouncementThatAnOlderProgramServed(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		first := accepted(t, s, announcedBy(bot.OriginTag, "a"))[0]
		granted(t, s)
		moved(t, s, first, bot.Done, "it is done")
		if _, err := s.db.Exec(t.Context(), `DELETE FROM requests WHERE key = 'announced 1'`); err != nil {
			t.Fatal(err)
		}
		if answer := asked(t, s, announcedBy(bot.OriginPush, "a"), 1); answer.New || answer.Run != first {
			t.Errorf("got %+v, want run %s", answer, first)
		}
	})
}

func TestAnnouncementOnAnotherTrackIsAnotherRun(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		other := announcedBy(bot.OriginRelease, "a")
		other.Track, other.Lane = "release", "release"
		accepted(t, s, announcedBy(bot.OriginTag, "a"), other)
	})
}

func TestAnnouncementOfACondemnedVersionSaysWhy(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		ran(t, s, announcedBy(bot.OriginTag, "a"), 0, 1, bad)
		no := asked(t, s, announcedBy(bot.OriginPipeline, "a"), 2)
		if !no.Refused {
			t.Errorf("got %+v, want a refusal", no)
		}
		contains(t, no.Sentence, "is condemned on track integration")
	})
}

// What polling finds stays refused; a program that waits for the answer may ask later.
func TestUnfitAnnouncementIsRefused(t *testing.T) {
	on(t, func(t *testing.T, s *Store) {
		for _, test := range []struct {
			origin bot.Origin
			kept   bool
		}{{bot.OriginTag, true}, {bot.OriginListing, true}, {bot.OriginHook, false}} {
			q := announcedBy(test.origin, "a")
			q.Unfit = "the tag is not protected"
			if no := asked(t, s, q, 1); !no.Refused || no.Sentence != q.Unfit {
				t.Errorf("%s: got %+v", test.origin, no)
			}
			if kept, err := s.Answered(t.Context(), q); err != nil || kept != test.kept {
				t.Errorf("%s: kept is %t, %v; want %t", test.origin, kept, err, test.kept)
			}
		}
	})
}
