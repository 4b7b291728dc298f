package fieldwork_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"gorm.io/gorm"

	"chengyin/survey"
	"chengyin/survey/account"
	"chengyin/survey/apptest"
	"chengyin/survey/event"
	"chengyin/survey/fieldwork"
	"chengyin/survey/store/storetest"
)

// events counts the events of a kind.
func (f *field) events(t *testing.T, kind string) int {
	t.Helper()
	var n int64
	if err := f.DB.Read(t.Context()).Model(&event.Event{}).Where("kind = ?", kind).Count(&n).Error; err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func TestPhones(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			ctx := t.Context()
			first := *f.phone
			f.phone.SignIn(t, f.Field, f.worker)
			if f.phone.Token == first.Token || string(f.phone.Key) != string(first.Key) || len(f.phone.Key) != 32 || !strings.HasPrefix(f.phone.Token, "cyp_") {
				t.Fatal("a known phone gets a new token and the key that it had")
			}
			asks := func(token string) error {
				_, err := f.Field.Asks(ctx, token, account.Origin{})
				return err
			}
			for name, token := range map[string]string{"the token before": first.Token, "none": "", "made up": "cyp_x", "of another system": "cyt_" + f.phone.Token[4:], "a password": "密码"} {
				if err := asks(token); !errors.Is(err, fieldwork.ErrPhoneUnknown) {
					t.Errorf("%s: %v", name, err)
				}
			}
			if err := asks(f.phone.Token); err != nil {
				t.Fatal(err)
			}
			var stored fieldwork.Phone
			if err := f.DB.Read(ctx).Where("id = ?", f.phone.ID).Take(&stored).Error; err != nil {
				t.Fatal(err)
			}
			if strings.Contains(stored.TokenHash, f.phone.Token[4:]) || strings.Contains(stored.KeySealed, string(f.phone.Key)) || len(stored.TokenHash) != 64 {
				t.Fatalf("%+v", stored)
			}
			other := f.Person(t, "other", "worker", apptest.North)
			if _, err := f.Field.Enrol(ctx, other, f.phone.ID, "x"); !errors.Is(err, fieldwork.ErrPhoneTaken) {
				t.Fatal(err)
			}
			for _, id := range []string{"", "x", "手机", uuid.NewString() + "0", "{" + uuid.NewString() + "}"} {
				if _, err := f.Field.Enrol(ctx, f.worker, id, "x"); survey.KindOf(err) != survey.Invalid {
					t.Errorf("%q: %v", id, err)
				}
			}
			if _, err := f.Field.Enrol(ctx, f.worker, uuid.NewString(), strings.Repeat("机", 101)); survey.KindOf(err) != survey.Invalid {
				t.Error(err)
			}
			if _, err := f.Field.Enrol(ctx, apptest.Office, uuid.NewString(), "x"); !errors.Is(err, survey.ErrDenied) {
				t.Error(err)
			}

			on := f.phone.On(t, f.Field)
			waiting, off := 7, 3*time.Hour
			f.Advance(24 * time.Hour)
			if err := f.Field.Heard(ctx, &on, &waiting, &off); err != nil {
				t.Fatal(err)
			}
			list, err := f.Field.Phones(ctx, survey.As("north", "community", apptest.North))
			if err != nil || len(list) != 1 || list[0].Login != "worker" || list[0].Waiting != 7 || list[0].OffsetMS != off.Milliseconds() || !list[0].LeaseUntil.After(f.Clock().Add(fieldwork.Lease-time.Minute)) {
				t.Fatal(list, err)
			}
			if list, err := f.Field.Phones(ctx, survey.As("south", "community", apptest.South)); err != nil || len(list) != 0 {
				t.Fatal(list, err)
			}
			if _, err := f.Field.Phones(ctx, f.worker); !errors.Is(err, survey.ErrDenied) {
				t.Fatal(err)
			}

			if err := f.Field.SignOut(ctx, on, uuid.NewString()); !errors.Is(err, fieldwork.ErrNoPhone) {
				t.Fatal(err)
			}
			if err := f.Field.SignOut(ctx, on, f.phone.ID); err != nil {
				t.Fatal(err)
			}
			if err := asks(f.phone.Token); !errors.Is(err, fieldwork.ErrPhoneUnknown) {
				t.Fatal(err)
			}
			f.phone.SignIn(t, f.Field, f.worker)
			if string(f.phone.Key) != string(first.Key) {
				t.Fatal("the key is gone with signing out")
			}
			f.Advance(fieldwork.Lease - time.Hour)
			if err := asks(f.phone.Token); err != nil {
				t.Fatal(err)
			}
			f.Advance(2 * time.Hour)
			if err := asks(f.phone.Token); !errors.Is(err, fieldwork.ErrPhoneUnknown) {
				t.Fatal(err)
			}
			if got, want := f.events(t, "field.phone_enrolled"), 3; got != want {
				t.Errorf("%d events of signing in, not %d", got, want)
			}
			if got := f.events(t, "field.phone_signed_out"); got != 1 {
				t.Error(got)
			}
		})
	}
}

func TestAPhoneThatSignsInTwiceAtOnceHasOneKey(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			id := uuid.NewString()
			keys := make([]string, 6)
			var wg sync.WaitGroup
			for i := range keys {
				wg.Go(func() {
					e, err := f.Field.Enrol(t.Context(), f.worker, id, "x")
					if err != nil {
						t.Error(err)
					}
					keys[i] = string(e.Key)
				})
			}
			wg.Wait()
			if slices.Sort(keys); len(slices.Compact(keys)) != 1 {
				t.Fatal("it was given several keys")
			}
		})
	}
}

func TestLockingAPhone(t *testing.T) {
	f := newField(t, "sqlite")
	ctx := t.Context()
	south, north := survey.As("south", "community", apptest.South), survey.As("north", "community", apptest.North)
	locked := func() bool { return f.phone.On(t, f.Field).Locked }
	for name, c := range map[string]struct {
		who  survey.Actor
		id   string
		want error
	}{
		"a worker":           {f.worker, f.phone.ID, survey.ErrDenied},
		"a viewer":           {survey.As("v", "viewer", apptest.City), f.phone.ID, survey.ErrDenied},
		"somebody of South":  {south, f.phone.ID, fieldwork.ErrNoPhone},
		"a phone that isn't": {north, uuid.NewString(), fieldwork.ErrNoPhone},
		"no id":              {north, "手机", fieldwork.ErrNoPhone},
	} {
		if err := f.Field.Lock(ctx, c.who, c.id); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.Field.Unlock(ctx, c.who, c.id); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if locked() {
		t.Fatal("it is locked")
	}
	for range 2 { // again changes nothing
		if err := f.Field.Lock(ctx, north, f.phone.ID); err != nil {
			t.Fatal(err)
		}
	}
	if !locked() || f.events(t, "field.phone_locked") != 1 {
		t.Fatal(f.events(t, "field.phone_locked"))
	}
	f.Advance(2 * fieldwork.Lease) // and for longer than the lease, so that it can hand over what it holds
	if !locked() {
		t.Fatal("it is not locked")
	}
	f.Advance(-2 * fieldwork.Lease)
	for range 2 {
		if err := f.Field.Unlock(ctx, north, f.phone.ID); err != nil {
			t.Fatal(err)
		}
	}
	if locked() || f.events(t, "field.phone_unlocked") != 1 {
		t.Fatal("it is locked")
	}

	// A person who may not interview any more, or whose account is disabled.
	sys, sec := survey.As("sys", "sysadmin", apptest.City), survey.As("sec", "secadmin", apptest.City)
	if err := f.Accounts.Disable(ctx, sys, f.worker.Account); err != nil {
		t.Fatal(err)
	}
	if !locked() {
		t.Fatal("a disabled account's phone works")
	}
	if err := f.Accounts.Enable(ctx, sys, f.worker.Account); err != nil {
		t.Fatal(err)
	}
	if locked() {
		t.Fatal("it is locked")
	}
	p, err := f.Accounts.Person(ctx, sec, f.worker.Account)
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range p.Active() {
		if err := f.Accounts.End(ctx, sec, g.ID); err != nil {
			t.Fatal(err)
		}
	}
	if !locked() {
		t.Fatal("the phone of somebody who may not interview works")
	}
}

func TestAssign(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			ctx := t.Context()
			north, south := survey.As("north", "community", apptest.North), survey.As("south", "community", apptest.South)
			other := f.Person(t, "other", "worker", apptest.North)
			far := f.Person(t, "far", "worker", apptest.South)
			viewer := f.Person(t, "viewer", "viewer", apptest.City)
			units := []string{f.home(0), f.home(1)}
			for name, c := range map[string]struct {
				who  survey.Actor
				in   fieldwork.Assigning
				kind survey.Kind
			}{
				"a worker":                       {f.worker, fieldwork.Assigning{Wave: f.Wave.ID, Units: units, Account: f.worker.Account}, survey.Denied},
				"somebody of South":              {south, fieldwork.Assigning{Wave: f.Wave.ID, Units: units, Account: far.Account}, survey.NotFound},
				"to somebody of South":           {north, fieldwork.Assigning{Wave: f.Wave.ID, Units: units, Account: far.Account}, survey.Invalid},
				"to a viewer":                    {north, fieldwork.Assigning{Wave: f.Wave.ID, Units: units, Account: viewer.Account}, survey.Invalid},
				"to nobody that there is":        {north, fieldwork.Assigning{Wave: f.Wave.ID, Units: units, Account: uuid.NewString()}, survey.Invalid},
				"to what is no account":          {north, fieldwork.Assigning{Wave: f.Wave.ID, Units: units, Account: "张三"}, survey.Invalid},
				"a household that there is not":  {north, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{f.home(0), uuid.NewString()}, Account: other.Account}, survey.NotFound},
				"what is no household":           {north, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{"东门"}, Account: other.Account}, survey.NotFound},
				"none":                           {north, fieldwork.Assigning{Wave: f.Wave.ID, Account: other.Account}, survey.NotFound},
				"a PSU that there is not":        {north, fieldwork.Assigning{Wave: f.Wave.ID, PSU: "楼", Account: other.Account}, survey.NotFound},
				"a wave that there is not":       {north, fieldwork.Assigning{Wave: uuid.NewString(), Units: units, Account: other.Account}, survey.NotFound},
				"what is no wave":                {north, fieldwork.Assigning{Wave: "四季度", Units: units, Account: other.Account}, survey.NotFound},
				"more than are assigned at once": {north, fieldwork.Assigning{Wave: f.Wave.ID, Units: make([]string, 5001), Account: other.Account}, survey.Invalid},
			} {
				if n, err := f.Field.Assign(ctx, c.who, c.in); survey.KindOf(err) != c.kind || err == nil {
					t.Errorf("%s: %d %v", name, n, err)
				}
			}
			events := f.events(t, "field.assigned")
			steps := []struct {
				in   fieldwork.Assigning
				want int
			}{
				{fieldwork.Assigning{Wave: f.Wave.ID, Units: append(units, units...), Account: other.Account}, 2},
				{fieldwork.Assigning{Wave: f.Wave.ID, Units: units, Account: other.Account}, 0}, // they have them
				{fieldwork.Assigning{Wave: f.Wave.ID, PSU: f.drawn.PSU, Account: f.worker.Account}, 2},
				{fieldwork.Assigning{Wave: f.Wave.ID, PSU: f.drawn.PSU, Account: f.worker.Account}, 0},
				{fieldwork.Assigning{Wave: f.Wave.ID, Units: units}, 2},
				{fieldwork.Assigning{Wave: f.Wave.ID, Units: units}, 0},
			}
			for i, s := range steps {
				if n, err := f.Field.Assign(ctx, north, s.in); err != nil || n != s.want {
					t.Fatal(i, n, err)
				}
			}
			if got := f.events(t, "field.assigned") - events; got != 2 {
				t.Errorf("%d events", got)
			}
			if got := f.events(t, "field.unassigned"); got != 1 {
				t.Errorf("%d events", got)
			}
			if h := f.stands(t, f.home(0)); h.Outcome != fieldwork.NotVisited || !h.IsOpen || h.Visits != 0 {
				t.Fatalf("%+v", h)
			}
			f.accept(t, f.interview(t, f.home(2), nil))
			if _, err := f.Field.Assign(ctx, north, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{f.home(2)}, Account: other.Account}); err != nil {
				t.Fatal(err)
			}
			if h := f.stands(t, f.home(2)); h.Outcome != fieldwork.Interviewed {
				t.Fatalf("assigning it anew changed where it stands: %+v", h)
			}
		})
	}
}

func TestPack(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			f := newField(t, dialect)
			ctx := t.Context()
			if _, err := f.Field.Pack(ctx, apptest.Office); !errors.Is(err, survey.ErrDenied) {
				t.Fatal(err)
			}
			other := f.Person(t, "other", "worker", apptest.North)
			if p, err := f.Field.Pack(ctx, other); err != nil || len(p.Homes) != 0 || len(p.Waves) != 0 {
				t.Fatal(p, err)
			}
			if _, err := f.Field.Assign(ctx, apptest.Office, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{f.home(3), f.Homes[0].ID}, Account: other.Account}); err != nil {
				t.Fatal(err)
			}
			s := f.visit(f.home(0), "2.24")
			f.accept(t, s)
			f.take(t, f.visit(f.home(5), "2.24")) // early: it is in nobody's pack
			ids := func(p fieldwork.Pack) (out []string) {
				for _, h := range p.Homes {
					out = append(out, h.ID)
				}
				return out
			}
			mine, err := f.Field.Pack(ctx, f.worker)
			if err != nil {
				t.Fatal(err)
			}
			want := []string{f.home(0), f.home(1), f.home(2), f.home(4), f.home(5), f.home(6)} // theirs by position, and the reserve
			if got := ids(mine); !slices.Equal(got, want) {
				t.Fatalf("%v, not %v", got, want)
			}
			h := mine.Homes[0]
			if len(h.Records) != 1 || h.Records[0].ID != s.ID || !h.Records[0].Mine || h.Records[0].Outcome != "2.24" || h.Picks != "112233445566" || h.Room != "101室" || h.AreaName.EN != "North" || *h.Adults != 2 {
				t.Fatalf("%+v", h)
			}
			if len(mine.Homes[4].Records) != 0 {
				t.Fatalf("%+v", mine.Homes[4])
			}
			if len(mine.Waves) != 1 || mine.Waves[0].Rules != fieldwork.UsualRules || mine.Questionnaires[f.Wave.QuestionnaireID] == nil {
				t.Fatalf("%+v", mine.Waves)
			}
			theirs, err := f.Field.Pack(ctx, other)
			if err != nil || len(theirs.Homes) != 5 {
				t.Fatal(ids(theirs), err)
			}
			if _, err := f.Field.Assign(ctx, apptest.Office, fieldwork.Assigning{Wave: f.Wave.ID, Units: []string{f.home(4)}, Account: other.Account}); err != nil {
				t.Fatal(err)
			}
			if mine, err = f.Field.Pack(ctx, f.worker); err != nil || slices.Contains(ids(mine), f.home(4)) {
				t.Fatal(ids(mine), err)
			}
			f.Advance(241 * time.Hour)
			if mine, err = f.Field.Pack(ctx, f.worker); err != nil || len(mine.Homes) != 0 {
				t.Fatal(ids(mine), err)
			}
		})
	}
}

func TestAPackOfManyHouseholdsTakesNoMoreQueries(t *testing.T) {
	f := newField(t, "sqlite")
	var queries int
	count := func(*gorm.DB) { queries++ }
	callbacks := f.DB.Read(t.Context()).Callback()
	if err := errors.Join(callbacks.Query().Before("gorm:query").Register("count", count), callbacks.Row().Before("gorm:row").Register("count", count)); err != nil {
		t.Fatal(err)
	}
	pack := func() int {
		queries = 0
		p, err := f.Field.Pack(t.Context(), f.worker)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d households, %d queries", len(p.Homes), queries)
		return queries
	}
	pack() // rules and questionnaire are remembered from now on
	few := pack()
	for range 5 {
		f.Give(t, f.Draw(t, apptest.North, 40, 20, fieldwork.UsualRules), f.worker)
	}
	if many := pack(); many != few || few == 0 || few > 12 {
		t.Errorf("%d queries, before %d", many, few)
	}
}
