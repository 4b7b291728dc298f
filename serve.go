package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"chengyin/api"
	"chengyin/config"
	"chengyin/static"
	"chengyin/survey/app"
	"chengyin/survey/demo"
	"chengyin/survey/store"
)

// serve runs the server until ctx ends.
func serve(ctx context.Context, env environment, args []string) error {
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	settings := config.Bind(f)
	withDemo := f.Bool("demo", false, "fill an empty database with the fictional city 云澜市 first")
	size := f.String("demo-size", "small", "`small` (2,000 answers) or full (60,000)")
	if err := parse(f, env, args); err != nil {
		return err
	}
	if *size != "small" && *size != "full" {
		fmt.Fprintln(env.stderr, "chengyin serve: --demo-size is small or full")
		return errUsage
	}
	c, err := settings.Load(env.lookup)
	if err != nil {
		return err
	}
	ac, err := configOf(c)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewTextHandler(env.stderr, nil))
	ac.Log = log
	a, err := app.New(ctx, ac)
	if err != nil {
		return err
	}
	defer a.Close()
	if err := readySchema(ctx, a.DB); err != nil {
		return err
	}
	if durable, err := a.DB.Durable(ctx); err != nil {
		return err
	} else if !durable {
		log.Warn("this database server may lose the last second of receipted answers in a power cut: set innodb_flush_log_at_trx_commit=1")
	}
	if err := a.Events.NoteKey(ctx); err != nil {
		return err
	}
	s, err := static.New(c.Dev)
	if err != nil {
		return err
	}
	proxies, err := c.Proxies()
	if err != nil {
		return err
	}
	server := api.New(api.Deps{App: a, Static: s, PublicURL: c.PublicURL, Version: codeVersion(), Log: log, Proxies: proxies,
		SSO: api.SSO{Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCClientSecret, Claim: c.OIDCLoginClaim}})

	// Listen before the demo city is made, so that a taken port is said at once.
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w; choose another address by CHENGYIN_LISTEN", err)
	}
	defer l.Close()
	if *withDemo {
		if err := showDemo(ctx, env, a, c, *size); err != nil {
			return err
		}
	}
	return serveOn(ctx, l, server.Handler(), a, log)
}

// grace is how long requests may take to finish after the end was asked for.
// Streams of events, which never finish, are ended then.
const grace = 2 * time.Second

// serveOn runs HTTP and the schedule until ctx ends, then lets requests finish.
func serveOn(ctx context.Context, l net.Listener, h http.Handler, a *app.App, log *slog.Logger) error {
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	g, ctx := errgroup.WithContext(ctx)
	hs := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second, // a photo of the import sheet over a slow line
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          serverLog(log),
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	g.Go(func() error {
		if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	g.Go(func() error { return a.Run(ctx) })
	g.Go(func() error {
		<-ctx.Done()
		defer time.AfterFunc(grace, end).Stop()
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 20*time.Second)
		defer cancel()
		return hs.Shutdown(stop)
	})
	log.Info("listening", "address", l.Addr().String(), "database", a.DB.Server(), "version", codeVersion())
	return g.Wait()
}

// readySchema migrates an empty database and any SQLite file. An existing MySQL
// database is left to "chengyin migrate", because there a migration can take long
// and other servers may be running.
func readySchema(ctx context.Context, db *store.DB) error {
	have, want, err := db.Version(ctx)
	if err != nil {
		return err
	}
	if have == 0 || have > want || db.Dialect() == store.SQLite {
		return db.Migrate(ctx)
	}
	if have < want {
		return fmt.Errorf("the database has schema %d and this version needs %d: run \"chengyin migrate\" first", have, want)
	}
	return nil
}

// showDemo fills the demo city and says how to get in.
func showDemo(ctx context.Context, env environment, a *app.App, c config.Config, size string) error {
	password := c.DemoPassword
	if password == "" {
		password = newPassword()
	}
	city, err := demo.Fill(ctx, a, demo.Options{Size: size, Password: password, Now: a.Clock()})
	if err != nil {
		return err
	}
	if err := a.Scores.RefreshStale(ctx); err != nil {
		return err
	}
	w := env.stdout
	fmt.Fprintf(w, "\n  城音 Chengyin · 演示城市“云澜市”（虚构） Demo city Yunlan (fictional)\n\n")
	fmt.Fprintf(w, "  看板 Board            %s/board\n", c.PublicURL)
	fmt.Fprintf(w, "  居民问卷 Resident      %s/q/%s\n", c.PublicURL, city.Resident)
	fmt.Fprintf(w, "  海报 Poster sheet     %s/collectors/%s/sheet\n", c.PublicURL, city.Resident)
	fmt.Fprintf(w, "  登录 Sign-ins         %s\n", strings.Join(city.Logins, " "))
	if city.Fresh {
		fmt.Fprintf(w, "  密码 Password         %s\n", password)
	} else {
		fmt.Fprintf(w, "  密码 Password         as printed when the demo city was made (CHENGYIN_DEMO_PASSWORD)\n")
	}
	fmt.Fprintf(w, "  演示城市的管理员不要求动态验证码，正式安装默认要求 The demo's administrators need no second factor; a real installation asks for one\n\n")
	return nil
}
