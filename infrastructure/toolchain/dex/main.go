// dex as an issuer for one service, kept in memory: of one account with a password, or of people with a code (codes.go). Upstream's own
// command needs a C compiler, for a SQLite that is not used here, and brings the clients of every database along.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
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
		ArgoCD       bool // the secret is the one that Argo CD derives from the key that OIDC_CLIENT_SECRET holds
	}
	Commands []struct { // programs on people's own machines, which can keep no secret
		ID, Name     string
		RedirectURIs []string
	}
	Account   *Account // either this
	Codes     *Codes   // or this
	TokensFor string   // how long an ID token is good
}

// Account is somebody with a password, whose bcrypt hash ACCOUNT_HASH holds.
type Account struct{ ID, Name, Email string }

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
	secret := os.Getenv("OIDC_CLIENT_SECRET")
	if secret == "" {
		return errors.New("OIDC_CLIENT_SECRET is not set")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	figures := prometheus.NewRegistry()
	handler, err := issuer(ctx, log, config, secret, figures)
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

func issuer(ctx context.Context, log *slog.Logger, c Config, secret string, figures *prometheus.Registry) (http.Handler, error) {
	if c.Client.ArgoCD {
		sum := sha256.Sum256([]byte(secret))
		secret = base64.URLEncoding.EncodeToString(sum[:])[:40] // as its own dex is told
	}
	client := storage.Client{ID: c.Client.ID, Name: c.Client.Name, Secret: secret, RedirectURIs: c.Client.RedirectURIs}
	clients := []storage.Client{client}
	for _, each := range c.Commands {
		clients = append(clients, storage.Client{ID: each.ID, Name: each.Name, RedirectURIs: each.RedirectURIs, Public: true})
	}
	store := storage.WithStaticClients(memory.New(log), clients)
	store, err := withConnector(store, log, c)
	if err != nil {
		return nil, err
	}
	valid, err := time.ParseDuration(c.TokensFor)
	if err != nil {
		return nil, fmt.Errorf("tokensFor: %w", err)
	}
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
		IDTokensValidFor:       valid,
		AuthRequestsValidFor:   10 * time.Minute,
		Web:                    server.WebConfig{Issuer: c.Client.Name},
		Headers:                headers,
		Logger:                 log,
		Now:                    func() time.Time { return time.Now().UTC() },
		PrometheusRegistry:     figures,
		HealthChecker:          gosundheit.New(),
	})
}

// withConnector returns the storage with the one way to sign in that the configuration names.
func withConnector(store storage.Storage, log *slog.Logger, c Config) (storage.Storage, error) {
	switch {
	case c.Account != nil && c.Codes == nil:
		hash := []byte(os.Getenv("ACCOUNT_HASH"))
		if _, err := bcrypt.Cost(hash); err != nil {
			return nil, fmt.Errorf("ACCOUNT_HASH is not set or no bcrypt hash: %w", err)
		}
		account := storage.Password{Email: c.Account.Email, Username: c.Account.Name, UserID: c.Account.ID, Hash: hash}
		local := storage.Connector{ID: server.LocalConnector, Name: "Email", Type: server.LocalConnector}
		store = storage.WithStaticPasswords(store, []storage.Password{account}, log)
		return storage.WithStaticConnectors(store, []storage.Connector{local}), nil
	case c.Codes != nil && c.Account == nil:
		key := []byte(os.Getenv("CODES_KEY"))
		if len(key) < keyBytes {
			return nil, fmt.Errorf("CODES_KEY has %d bytes, at least %d are wanted", len(key), keyBytes)
		}
		server.ConnectorsConfig["code"] = func() server.ConnectorConfig { return newCodes(c.Codes, key) }
		return storage.WithStaticConnectors(store, []storage.Connector{{ID: "code", Name: "Code", Type: "code"}}), nil
	}
	return nil, errors.New("exactly one of account and codes says who signs in")
}
