package account

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/event"
	"chengyin/survey/store"
)

// Person is an account as those see it who manage people. Grants holds what lies
// in the reader's places or above them; what a person may do elsewhere is not the
// reader's to know.
type Person struct {
	ID, Login, Name string
	AreaCode        string
	Area            survey.Text
	Disabled        bool
	CreatedAt       time.Time
	Grants          []GrantView // that are asked for or count, by the time of asking
}

// Active returns the grants that count.
func (p Person) Active() []GrantView { return p.inState("granted") }

// Asked returns the grants that wait.
func (p Person) Asked() []GrantView { return p.inState("asked") }

func (p Person) inState(state string) (out []GrantView) {
	for _, g := range p.Grants {
		if g.State() == state {
			out = append(out, g)
		}
	}
	return out
}

// PeopleFilter narrows a list of people. Every zero field leaves open what it is
// about.
type PeopleFilter struct {
	Text  string // a part of the login or the name
	Area  string // home in this place or below it
	Role  string // holds it, or waits for it, where the reader sees it
	State string // "active" or "disabled"
	After string // login of the last person of the page before
	Limit int    // 0: all
}

// PersonChange is what may be changed of a person; nil leaves it as it is.
type PersonChange struct{ Name, AreaCode *string }

// Errors of managing people.
var (
	ErrPersonNotFound = &survey.Error{Kind: survey.NotFound, Code: "person_not_found"}
	// ErrLastAdministrator means that nobody would be left who makes accounts, or
	// who grants, in the places where this person does.
	ErrLastAdministrator = &survey.Error{Kind: survey.Conflict, Code: "last_administrator"}
)

// managing are the permissions that let somebody see people.
var managing = []survey.Permission{survey.ManageAccounts, survey.ManageGrants}

// People returns the people whose home lies in the actor's places, by login.
// Returns survey.ErrDenied, and survey.ErrNotFound when the filter names a place
// outside.
func (s *Service) People(ctx context.Context, actor survey.Actor, f PeopleFilter) ([]Person, error) {
	tops := actor.Places(managing...)
	switch {
	case !actor.CanAny(managing...):
		return nil, survey.ErrDenied
	case f.Area != "" && !inside(tops, f.Area):
		return nil, survey.ErrNotFound
	}
	var out []Person
	err := s.db.Snapshot(ctx, func(r *gorm.DB) error {
		accounts, err := accountsIn(r, tops, f)
		if err != nil {
			return err
		}
		out, err = peopleOf(r, actor, accounts)
		return err
	})
	return out, err
}

// Person returns the person with that id. Returns survey.ErrDenied, and
// ErrPersonNotFound when there is none or their home lies outside.
func (s *Service) Person(ctx context.Context, actor survey.Actor, id string) (Person, error) {
	var p Person
	err := s.db.Snapshot(ctx, func(r *gorm.DB) error {
		a, err := accountSeen(r, actor, id, managing...)
		if err != nil {
			return err
		}
		list, err := peopleOf(r, actor, []Account{a})
		if err == nil {
			p = list[0]
		}
		return err
	})
	return p, err
}

// NewPerson is what it takes to make an account and ask for its first role.
type NewPerson struct {
	Login, Name, AreaCode string
	Role                  string // "" asks for nothing yet
	Place                 string // where the role counts; "" with a Unit or for the home
	Unit                  string
}

// Made is an account that was made, with the password that is shown once.
type Made struct {
	ID, Login, Name, Password string
}

// Add makes an account with a one-time password and asks for its role. Returns
// survey.ErrDenied, survey.ErrInvalid that names the wrong field, or ErrLoginTaken.
// A place outside the actor's is answered as one that does not exist.
func (s *Service) Add(ctx context.Context, actor survey.Actor, in NewPerson) (Made, error) {
	if !actor.Can(survey.ManageAccounts) {
		return Made{}, survey.ErrDenied
	}
	in.Login, in.Name = strings.TrimSpace(in.Login), strings.TrimSpace(in.Name)
	if err := survey.ErrInvalid.With(append(loginWrong(in.Login), nameWrong("name", in.Name)...)...); len(err.Fields) > 0 {
		return Made{}, err
	}
	p, err := s.Policy(ctx)
	if err != nil {
		return Made{}, err
	}
	m := Made{Login: in.Login, Name: in.Name, Password: p.oneTimePassword(in.Login)}
	hash := hashPassword(m.Password)
	err = s.db.InTx(ctx, func(tx *store.Tx) error {
		var err error
		m.ID, err = addPerson(tx, actor, in, hash)
		return err
	})
	if err != nil {
		return Made{}, err
	}
	return m, nil
}

// addPerson stores an account whose words were checked, and asks for its role.
func addPerson(tx *store.Tx, actor survey.Actor, in NewPerson, hash string) (string, error) {
	if err := homeWrong(tx.DB, actor, in.AreaCode); err != nil {
		return "", err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return "", err
	}
	a := Account{ID: id.String(), Login: in.Login, Name: in.Name, Role: in.Role, AreaCode: in.AreaCode, PasswordHash: hash, PasswordAt: &tx.Now, MustChange: true, CreatedAt: tx.Now}
	if err := insertAccount(tx, a); err != nil {
		return "", err
	}
	err = event.Write(tx, actor, event.Entry{Kind: "account.created", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"login": a.Login, "area": a.AreaCode}})
	if err != nil || in.Role == "" {
		return a.ID, err
	}
	if in.Unit == "" && in.Place == "" {
		in.Place = in.AreaCode
	}
	_, err = ask(tx, actor, a, in.Role, in.Place, in.Unit)
	return a.ID, err
}

// Change renames a person or moves their home. Returns survey.ErrDenied,
// ErrPersonNotFound or survey.ErrInvalid.
func (s *Service) Change(ctx context.Context, actor survey.Actor, id string, c PersonChange) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		a, err := accountSeen(tx.DB, actor, id, survey.ManageAccounts)
		if err != nil {
			return err
		}
		before, after, change := map[string]string{}, map[string]string{}, map[string]any{}
		if c.Name != nil && strings.TrimSpace(*c.Name) != a.Name {
			name := strings.TrimSpace(*c.Name)
			if wrong := nameWrong("name", name); len(wrong) > 0 {
				return survey.ErrInvalid.With(wrong...)
			}
			before["name"], after["name"], change["name"] = a.Name, name, name
		}
		if c.AreaCode != nil && *c.AreaCode != a.AreaCode {
			if err := homeWrong(tx.DB, actor, *c.AreaCode); err != nil {
				return err
			}
			before["area"], after["area"], change["area_code"] = a.AreaCode, *c.AreaCode, *c.AreaCode
		}
		if len(change) == 0 {
			return nil
		}
		if err := tx.Model(&Account{}).Where("id = ?", a.ID).Updates(change).Error; err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.changed", Object: a.ID, Area: a.AreaCode, Payload: map[string]any{"before": before, "after": after}})
	})
}

// Disable keeps a person from signing in and ends their sessions at once. Returns
// survey.ErrDenied, ErrPersonNotFound or ErrLastAdministrator.
func (s *Service) Disable(ctx context.Context, actor survey.Actor, id string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		if err := lockPowers(tx); err != nil {
			return err
		}
		a, err := accountSeen(tx.DB, actor, id, survey.ManageAccounts)
		if err != nil || a.DisabledAt != nil {
			return err
		}
		before, err := administrators(tx.DB)
		if err != nil {
			return err
		}
		if err := tx.Model(&Account{}).Where("id = ?", a.ID).Update("disabled_at", tx.Now).Error; err != nil {
			return err
		}
		if err := staysManaged(tx.DB, before); err != nil {
			return err
		}
		if _, err := RevokeSessions(tx, a.ID); err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.disabled", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"login": a.Login}})
	})
}

// Enable lets a person sign in again. Returns survey.ErrDenied or
// ErrPersonNotFound.
func (s *Service) Enable(ctx context.Context, actor survey.Actor, id string) error {
	return s.db.InTx(ctx, func(tx *store.Tx) error {
		a, err := accountSeen(tx.DB, actor, id, survey.ManageAccounts)
		if err != nil || a.DisabledAt == nil {
			return err
		}
		if err := tx.Model(&Account{}).Where("id = ?", a.ID).Update("disabled_at", nil).Error; err != nil {
			return err
		}
		return event.Write(tx, actor, event.Entry{Kind: "account.enabled", Object: a.ID, Area: a.AreaCode, Payload: map[string]string{"login": a.Login}})
	})
}

// NewPassword gives a person a new one-time password and ends their sessions.
// Returns survey.ErrDenied, ErrPersonNotFound, and ErrOwnGrant to somebody who
// would reset their own: that is done where passwords are changed.
func (s *Service) NewPassword(ctx context.Context, actor survey.Actor, id string) (Made, error) {
	if id == actor.Account {
		return Made{}, ErrOwnGrant
	}
	a, err := accountSeen(s.db.Read(ctx), actor, id, survey.ManageAccounts)
	if err != nil {
		return Made{}, err
	}
	p, err := s.Policy(ctx)
	if err != nil {
		return Made{}, err
	}
	m := Made{ID: a.ID, Login: a.Login, Name: a.Name, Password: p.oneTimePassword(a.Login)}
	if err := s.ResetPassword(ctx, actor, id, m.Password); err != nil {
		return Made{}, err
	}
	return m, nil
}

// oneTimePassword returns at least 60 random bits in groups of letters and digits
// that are easily told apart, long enough for the policy and with all kinds of
// characters.
func (p Policy) oneTimePassword(login string) string {
	for {
		t := "Cy"
		for groups := 0; groups < 3 || len(t) < p.PasswordLength; groups++ {
			b := make([]byte, 5)
			rand.Read(b)
			t += "-" + strings.ToLower(base32.StdEncoding.EncodeToString(b)[:4])
		}
		if t += "7"; p.checkPassword(login, t) == nil {
			return t
		}
	}
}

// loginWrong returns what is wrong with a login.
func loginWrong(login string) []survey.Field {
	switch {
	case login == "":
		return []survey.Field{{Path: "login", Code: "field_missing"}}
	case len(login) > 64:
		return []survey.Field{{Path: "login", Code: "field_too_long"}}
	case strings.ContainsFunc(login, func(r rune) bool { return r <= ' ' || r > '~' }), // the column is ASCII
		strings.ContainsAny(login[:1], "=+-@"): // a spreadsheet would run it
		return []survey.Field{{Path: "login", Code: "field_wrong"}}
	}
	return nil
}

// longestName is how many characters a name may have.
const longestName = 100

// nameWrong returns what is wrong with a name.
func nameWrong(path, name string) []survey.Field {
	switch {
	case name == "":
		return []survey.Field{{Path: path, Code: "field_missing"}}
	case utf8.RuneCountInString(name) > longestName:
		return []survey.Field{{Path: path, Code: "field_too_long"}}
	case strings.ContainsAny(name[:1], "=+-@"), !utf8.ValidString(name), strings.ContainsFunc(name, unprintable):
		return []survey.Field{{Path: path, Code: "field_wrong"}}
	}
	return nil
}

// unprintable tells what hides in a name or turns its direction.
func unprintable(c rune) bool {
	return unicode.IsControl(c) || c == utf8.RuneError || c >= 0x202a && c <= 0x202e || c >= 0x2066 && c <= 0x2069
}

// inside reports whether the place lies below one of tops.
func inside(tops []string, code string) bool {
	for _, top := range tops {
		if survey.Within(top, code) {
			return true
		}
	}
	return false
}
