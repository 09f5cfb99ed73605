// dex as an issuer for one client and one account, kept in memory. Upstream's own command needs a C compiler, for a SQLite that is
// not used here, and brings the clients of every database along.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	gosundheit "github.com/AppsFlyer/go-sundheit"
	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/crypto/bcrypt"
)

var version = "dev"

// Config is the file that the only argument names. Secrets come from the environment.
type Config struct {
	Issuer  string
	Listen  string
	Headers map[string]string
	Client  struct {
		ID, Name     string
		RedirectURIs []string
	}
	Account struct{ ID, Name, Email string }
}

func main() {
	log := slog.New(slog.NewJSONHandler(os.Stdout, nil))
	if err := run(log); err != nil {
		log.Error("stopped", "error", err.Error())
		os.Exit(1)
	}
}

func run(log *slog.Logger) error {
	if len(os.Args) != 2 {
		return errors.New("usage: dex CONFIG.json | version")
	}
	if os.Args[1] == "version" {
		fmt.Println(version)
		return nil
	}
	config, err := read(os.Args[1])
	if err != nil {
		return fmt.Errorf("%s: %w", os.Args[1], err)
	}
	secret, hash := os.Getenv("OIDC_CLIENT_SECRET"), []byte(os.Getenv("SELLER_HASH"))
	if _, err := bcrypt.Cost(hash); err != nil || secret == "" {
		return fmt.Errorf("OIDC_CLIENT_SECRET or SELLER_HASH is not set or no bcrypt hash: %v", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	figures := prometheus.NewRegistry()
	handler, err := issuer(ctx, log, config, secret, hash, figures)
	if err != nil {
		return err
	}
	paths := http.NewServeMux()
	paths.Handle("/", handler)
	paths.Handle("/metrics", promhttp.HandlerFor(figures, promhttp.HandlerOpts{})) // the gateway publishes the sign-in page alone
	for _, probe := range []string{"/healthz", "/readyz"} {
		paths.HandleFunc(probe, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	}
	web := &http.Server{Addr: config.Listen, Handler: paths, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_ = web.Shutdown(ending)
	}()
	log.Info("listening", "address", config.Listen, "issuer", config.Issuer, "version", version)
	if err := web.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func read(path string) (config Config, err error) {
	file, err := os.Open(path)
	if err != nil {
		return config, err
	}
	defer file.Close()
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	return config, decoder.Decode(&config)
}

func issuer(ctx context.Context, log *slog.Logger, c Config, secret string, hash []byte, figures *prometheus.Registry) (http.Handler, error) {
	client := storage.Client{ID: c.Client.ID, Name: c.Client.Name, Secret: secret, RedirectURIs: c.Client.RedirectURIs}
	account := storage.Password{Email: c.Account.Email, Username: c.Account.Name, UserID: c.Account.ID, Hash: hash}
	local := storage.Connector{ID: server.LocalConnector, Name: "Email", Type: server.LocalConnector}
	store := storage.WithStaticClients(memory.New(log), []storage.Client{client})
	store = storage.WithStaticPasswords(store, []storage.Password{account}, log)
	store = storage.WithStaticConnectors(store, []storage.Connector{local})
	headers := http.Header{}
	for name, value := range c.Headers {
		headers.Set(name, value)
	}
	return server.NewServer(ctx, server.Config{
		Issuer:                 c.Issuer,
		Storage:                store,
		SupportedResponseTypes: []string{"code"},
		AllowedGrantTypes:      []string{"authorization_code"},
		SkipApprovalScreen:     true,
		RotateKeysAfter:        6 * time.Hour,
		IDTokensValidFor:       10 * time.Minute,
		AuthRequestsValidFor:   10 * time.Minute,
		Web:                    server.WebConfig{Issuer: c.Client.Name},
		Headers:                headers,
		Logger:                 log,
		Now:                    func() time.Time { return time.Now().UTC() },
		PrometheusRegistry:     figures,
		HealthChecker:          gosundheit.New(),
	})
}
