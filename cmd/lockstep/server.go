package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"golang.org/x/sync/errgroup"

	"lockstep/bot"
	"lockstep/bot/data"
	"lockstep/bot/engine"
	"lockstep/bot/notify"
	"lockstep/bot/store"
	"lockstep/bot/trigger"
	"lockstep/bot/web"
	"lockstep/gates"
)

// grace is how long a request that is under way may take when the server stops.
const grace = 5 * time.Second

// A server is the bot with everything that it listens to and speaks to.
type server struct {
	cfg     *bot.Config
	log     *slog.Logger
	outside *outside
	store   *store.Store
	engine  *engine.Engine
	sender  *notify.Sender
	access  *web.Access
	ledger  *web.Ledger
	hooks   trigger.GitLab
	signing bot.Secret            // of the addresses at which callback gates are answered
	keys    map[string]bot.Secret // of signed calls that announce versions, by package

	comments *trigger.Comments
}

// serve runs the bot until ctx ends. credentials are those of AWS; nil: the process's
// own.
func serve(ctx context.Context, cfg *bot.Config, log *slog.Logger, credentials aws.CredentialsProvider) error {
	s, err := newServer(ctx, cfg, log)
	if err != nil {
		return err
	}
	s.outside.parameters.Credentials, s.outside.packages.Credentials = credentials, credentials
	return errors.Join(s.run(ctx), s.store.Close())
}

// newServer opens the store and wires everything to it.
func newServer(ctx context.Context, cfg *bot.Config, log *slog.Logger) (*server, error) {
	s := &server{cfg: cfg, log: log, access: &web.Access{Jobs: web.NewJobs(cfg, now), Now: now, Log: log}}
	var err error
	if s.outside, err = newOutside(ctx, cfg); err != nil {
		return nil, misused(err)
	}
	if err := s.secrets(ctx); err != nil {
		return nil, misused(err)
	}
	url := cfg.Store
	if bot.IsReference(url) {
		secret, err := data.Resolve(ctx, url)
		if err != nil {
			return nil, misused(fmt.Errorf("store: %w", err))
		}
		url = secret.Reveal()
	}
	if s.store, err = store.Open(ctx, url); err != nil {
		return nil, err
	}
	s.access.Tokens, s.ledger = s.store, &web.Ledger{Keep: s.store.KeepRefusals, Log: log}
	s.outside.bot.History, s.outside.bot.Frozen, s.outside.bot.Yields = s.store, s.store.Frozen, s.store.Yields
	s.outside.gates.opinions = answered{s.store}
	s.outside.gates.callback = func(g gates.Subject) string { return callbackAddress(cfg.Server.URL, s.signing, g) }
	s.sender, s.comments = s.newSender(), s.newComments()
	s.engine, err = engine.Open(ctx, engine.Options{
		Store: s.store, Step: s.outside.bot.Step, Beside: s.beside, Limits: cfg.Limits(), Channels: cfg.Channels,
		Looked: s.outside.metrics.Looks("lane"), Now: now, Log: log, Poll: cfg.Limits().First,
	})
	if err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	return s, nil
}

// newSender returns what tells people.
func (s *server) newSender() *notify.Sender {
	sender := &notify.Sender{
		Outbox: s.store, Runs: s.store, Commands: s.store, Channels: s.outside.channels, Notes: s.outside.gitlab,
		Hears: s.cfg.Hears,
		URL:   s.outside.bot.RunURL, Every: s.cfg.Limits().First, Now: now, Log: s.log,
	}
	if s.cfg.GitLab.Labels {
		sender.Labels = s.outside.gitlab
	}
	if s.cfg.GitLab.Statuses {
		sender.Statuses = s.outside.gitlab
	}
	return sender
}

// secrets resolves what proves who calls.
func (s *server) secrets(ctx context.Context) (err error) {
	if s.access.Token, err = resolved(ctx, s.cfg.Server.Token); err != nil {
		return err
	}
	if s.signing, err = resolved(ctx, s.cfg.Server.Callbacks); err != nil {
		return err
	}
	if s.hooks.Secret, err = resolved(ctx, s.cfg.GitLab.Webhook.Secret); err != nil {
		return err
	}
	if s.hooks.Signing, err = resolved(ctx, s.cfg.GitLab.Webhook.Signing); err != nil {
		return err
	}
	s.keys, err = callKeys(ctx, s.cfg)
	return err
}

// run runs every part until ctx ends or one of them fails; then all stop. The engine
// is the last to stop, because it closes the store that the others use.
func (s *server) run(ctx context.Context) error {
	listener, err := net.Listen("tcp", s.cfg.Server.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Server.Listen, err)
	}
	s.log.Info("listening", "address", listener.Addr().String(), "url", s.cfg.Server.URL, "version", version)
	behind, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- s.engine.Run(behind) }()

	group, front := errgroup.WithContext(ctx)
	s.listen(front, group, listener)
	s.poll(front, group)
	group.Go(func() error { return s.comments.Run(front) })
	group.Go(func() error { return s.ledger.Run(front) })
	group.Go(func() error {
		select {
		case err := <-ended:
			ended <- err
			return err
		case <-front.Done():
			return nil
		}
	})
	err = group.Wait()
	stop()
	if engine := <-ended; err == nil {
		err = engine
	}
	return err
}

// beside is what the active process does besides driving runs: it tells people,
// looks for condemned versions that somebody has brought back and for comments whose hooks
// were lost, and asks for the runs of schedules.
func (s *server) beside(ctx context.Context) error {
	defer s.outside.metrics.Lead()()
	looks := s.outside.metrics.Looks
	returns := trigger.Returns{
		Store: s.store, Find: s.outside.bot.Returns, Channels: s.cfg.Channels, Now: now, Log: s.log, Looked: looks("return"),
	}
	schedules := trigger.Scheduler{
		Schedules: s.cfg.Schedules(), Store: s.store, Catalog: s.cfg, Tags: s.outside.gitlab, Stands: s.outside.bot.Stands,
		Wake: s.engine.Wake, Now: now, Log: s.log, Looked: looks("schedule"),
	}
	comments := trigger.CommentPoll{Comments: s.comments, Looked: looks("comment")}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.sender.Run(ctx) })
	group.Go(func() error { return returns.Run(ctx) })
	group.Go(func() error { return schedules.Run(ctx) })
	group.Go(func() error { return comments.Run(ctx) })
	return group.Wait()
}

// listen answers requests until ctx ends, and then what is under way for a while.
func (s *server) listen(ctx context.Context, group *errgroup.Group, listener net.Listener) {
	server := &http.Server{
		Handler: s.handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	group.Go(func() error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve http: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		return server.Shutdown(stop)
	})
}

// handler is everything that the server answers.
func (s *server) handler() http.Handler {
	s.hooks.Catalog, s.hooks.Store, s.hooks.Hint = s.cfg, s.store, s.engine.Hint
	s.hooks.Wake, s.hooks.Now, s.hooks.Log = s.engine.Wake, now, s.log
	s.hooks.Forge, s.hooks.Comments = s.outside.gitlab, s.comments
	web := &web.Server{
		Store: s.store, Commands: s.engine, Catalog: s.cfg, Access: s.access, Hook: &s.hooks, Calls: s.calls(),
		Signed: func(key, signature string) bool { return gates.Signed(s.signing.Reveal(), key, signature) },
		Tracks: s.packages(), History: s.store, Sites: sites(s.cfg), Drift: s.outside.bot.Drift, Lane: s.cfg.LaneOf, Schedules: s.cfg.Schedules(),
		Refused: s.ledger.Note, Metrics: s.metrics(), Version: version, Now: now, Log: s.log,
	}
	return web.Handler()
}

// packages returns the data packages of each track.
func (s *server) packages() map[string][]string {
	packages := map[string][]string{}
	for name, t := range s.cfg.Tracks {
		packages[name] = t.Packages
	}
	return packages
}
