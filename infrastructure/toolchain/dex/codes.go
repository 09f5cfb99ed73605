package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/dexidp/dex/connector"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	keyBytes = 32
	longest  = 10 * time.Minute // of a code: one that is good for longer is not believed
)

// Codes is a connector for people who are known elsewhere: the password is a short-lived JSON Web Token that says who they are and which
// groups they are in, signed (HS256) by whoever reads the people's file. No account and no password is kept here, and a leaver gets no code.
type Codes struct {
	Audience string // what codes must be meant for
	Domain   string // of the e-mail addresses that clients want

	key  []byte
	lock sync.Mutex
	used map[string]time.Time // ids of codes that were used, until they end: each is good once
}

func newCodes(config *Codes, key []byte) *Codes {
	return &Codes{Audience: config.Audience, Domain: config.Domain, key: key, used: map[string]time.Time{}}
}

// Open is what dex calls to get the connector.
func (c *Codes) Open(string, *slog.Logger) (connector.Connector, error) { return c, nil }

// Prompt is what the form calls the name.
func (c *Codes) Prompt() string { return "Name" }

// Login believes a code that is signed, meant for this audience and this person, fresh, and not used yet.
func (c *Codes) Login(_ context.Context, _ connector.Scopes, name, code string) (connector.Identity, bool, error) {
	token, err := jwt.ParseSigned(code, []jose.SignatureAlgorithm{jose.HS256})
	if err != nil {
		return connector.Identity{}, false, nil
	}
	var claims jwt.Claims
	var more struct {
		Groups []string `json:"groups"`
	}
	if err := token.Claims(c.key, &claims, &more); err != nil {
		return connector.Identity{}, false, nil
	}
	now := time.Now()
	expected := jwt.Expected{Subject: name, AnyAudience: jwt.Audience{c.Audience}, Time: now}
	switch {
	case name == "" || claims.ID == "" || claims.Expiry == nil:
		return connector.Identity{}, false, nil
	case claims.ValidateWithLeeway(expected, 0) != nil || claims.Expiry.Time().After(now.Add(longest)):
		return connector.Identity{}, false, nil
	case !c.first(claims.ID, claims.Expiry.Time(), now):
		return connector.Identity{}, false, nil
	}
	return connector.Identity{
		UserID:            name,
		Username:          name,
		PreferredUsername: name,
		Email:             name + "@" + c.Domain,
		EmailVerified:     true,
		Groups:            more.Groups,
	}, true, nil
}

func (c *Codes) first(id string, until, now time.Time) bool {
	c.lock.Lock()
	defer c.lock.Unlock()
	for each, end := range c.used {
		if end.Before(now) {
			delete(c.used, each)
		}
	}
	if _, used := c.used[id]; used {
		return false
	}
	c.used[id] = until
	return true
}
