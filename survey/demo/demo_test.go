package demo

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"chengyin/survey"
	"chengyin/survey/app"
	"chengyin/survey/area"
	"chengyin/survey/collector"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/score"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

var now = time.Date(2026, 11, 24, 3, 0, 0, 0, time.UTC)

const password = "correct horse 1"

// newApp opens an App on a fresh database at the time now.
func newApp(t testing.TB, dialect string) *app.App {
	t.Helper()
	a, err := app.New(t.Context(), app.Config{
		Database: storetest.DSN(t, dialect), Secret: bytes.Repeat([]byte("k"), 32), CodeVersion: "test", Clock: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	if err := a.DB.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return a
}

func filledApp(t testing.TB, dialect string) (*app.App, City) {
	t.Helper()
	a := newApp(t, dialect)
	city, err := Fill(t.Context(), a, Options{Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return a, city
}

func responses(t *testing.T, a *app.App, where string, args ...any) []response.Response {
	t.Helper()
	var out []response.Response
	if err := a.DB.Read(t.Context()).Where(where, args...).Order("id").Find(&out).Error; err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheDemoCity(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			a, city := filledApp(t, dialect)
			t.Run("has its places, people and units", func(t *testing.T) { testPlaces(t, a) })
			t.Run("has answers that are right", func(t *testing.T) { testAnswers(t, a, city) })
			t.Run("has tallies that agree with its answers", func(t *testing.T) { testTallies(t, a, city) })
			t.Run("has communities and codes with a story", func(t *testing.T) { testStories(t, a, city) })
			t.Run("has visits that agree with its answers", func(t *testing.T) { testVisits(t, a, city) })
			t.Run("has workers on their way", func(t *testing.T) { testWorkers(t, a, city) })
			t.Run("lets its people sign in", func(t *testing.T) { testSignIns(t, a, city) })
			t.Run("has a score for every district and subdistrict", func(t *testing.T) { testScores(t, a, city) })
			t.Run("takes a resident's and an interviewer's answers", func(t *testing.T) { testSubmit(t, a, city) })
			t.Run("is not filled twice", func(t *testing.T) { testAgain(t, a, city) })
		})
	}
}

func testPlaces(t *testing.T, a *app.App) {
	tree, err := a.Areas.Tree(t.Context(), CityCode)
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, x := range tree {
		key := string(x.Level)
		if strings.HasPrefix(x.Code, "990102") {
			key += " of the district"
		}
		if x.ValidTo != nil {
			key += " merged"
		}
		if x.Level == area.Community && x.Code[9] == '2' && strings.HasPrefix(x.Code, "990102") {
			count["villages"]++
		}
		count[key]++
	}
	want := map[string]int{
		"city": 1, "district": 3, "district of the district": 1, "subdistrict of the district": 8, "subdistrict": 9,
		"community of the district": 78, "community of the district merged": 1, "community": 36, "villages": 12,
	}
	for k, n := range want {
		if count[k] != n {
			t.Errorf("%d × %s, want %d", count[k], k, n)
		}
	}
	people, err := a.Areas.Population(t.Context(), DistrictCode)
	if err != nil {
		t.Fatal(err)
	}
	byPlace, all := map[string]int{}, 0
	for _, p := range people {
		byPlace[p.AreaCode] += p.Persons
		all += p.Persons
		if p.Persons < 1 {
			t.Errorf("nobody in %+v", p)
		}
	}
	if residents := float64(all) / adultShare; len(people) != 79*12 || residents < 465_000 || residents > 500_000 {
		t.Errorf("%d rows of population, %.0f residents", len(people), residents)
	}
	var sizes []float64
	for _, n := range byPlace {
		sizes = append(sizes, float64(n)/adultShare)
	}
	slices.Sort(sizes)
	if sizes[0] < 1_700 || sizes[0] > 2_100 || sizes[78] < 16_000 || sizes[78] > 18_000 || sizes[39] < 5_300 || sizes[39] > 5_900 {
		t.Errorf("communities have %.0f to %.0f residents, median %.0f", sizes[0], sizes[78], sizes[39])
	}
	units, err := a.Areas.Units(t.Context(), CityCode)
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, u := range units {
		kinds[u.Kind]++
	}
	if kinds["government"] != 42 || kinds["school"] != 96 || kinds["enterprise"] != 310 || kinds["window"] != 38 {
		t.Errorf("units %v", kinds)
	}
}

func testAnswers(t *testing.T, a *app.App, city City) {
	d := questionnaire.Default()
	all := responses(t, a, "1 = 1")
	byWave, texts, unsure := map[string]int{}, 0, 0
	for _, r := range all {
		byWave[r.WaveID]++
		answers, wrong := questionnaire.ParseAnswers([]byte(r.Answers))
		if wrong = append(wrong, d.Check(answers)...); len(wrong) > 0 {
			t.Fatalf("answers %s: %v", r.Answers, wrong)
		}
		if answers["q19"] != nil {
			texts++
		}
		if answers["q18"] == "dk" {
			unsure++
		}
		if r.ReceivedAt.Before(*r.StartedAt) || r.StartedAt.Before(r.IssuedAt) || r.ReceivedAt.After(now) {
			t.Errorf("times of %s: issued %s, started %s, received %s", r.ID, r.IssuedAt, r.StartedAt, r.ReceivedAt)
		}
	}
	if byWave[city.Closed.ID] != 700 || byWave[city.Open.ID] != 1_300 || len(all) != 2_000 {
		t.Errorf("%d answers, %v", len(all), byWave)
	}
	if texts < 560 || texts > 740 {
		t.Errorf("%d of %d said what should be solved first, want about a third", texts, len(all))
	}
	if unsure < 20 || unsure > 100 {
		t.Errorf("%d could not say how content they are", unsure)
	}
}

func testTallies(t *testing.T, a *app.App, city City) {
	for _, w := range []string{city.Closed.ID, city.Open.ID} {
		stored, err := tally.Load(a.DB.Read(t.Context()), w)
		if err != nil {
			t.Fatal(err)
		}
		counted, err := a.Responses.Recount(t.Context(), w)
		if err != nil {
			t.Fatal(err)
		}
		if len(stored) != len(counted) || len(stored) < 1_000 {
			t.Fatalf("%d stored cells, %d counted", len(stored), len(counted))
		}
		byKey := map[tally.Key]tally.Row{}
		for _, r := range stored {
			byKey[r.Key()] = r
		}
		for _, c := range counted {
			s := byKey[c.Key()]
			near := func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }
			if s.N != c.N || !near(s.D, c.D) || !near(s.DD, c.DD) || !near(s.DY, c.DY) || !near(s.DYY, c.DYY) || !near(s.DDY, c.DDY) || !near(s.DDYY, c.DDYY) || !near(s.DK, c.DK) {
				t.Fatalf("stored %+v\ncounted %+v", s, c)
			}
		}
	}
}

func testStories(t *testing.T, a *app.App, city City) {
	ctx := t.Context()
	reasons := map[string]int{}
	for _, r := range responses(t, a, "status = ?", response.Quarantined) {
		reasons[r.Reason]++
	}
	if reasons["late"] != plans[Small].late || reasons["expired"] != plans[Small].expired || len(reasons) != 2 {
		t.Errorf("in quarantine: %v", reasons)
	}
	if n := len(responses(t, a, "wave_id = ? AND area_code = ?", city.Open.ID, city.Tiny)); n != tinyScans {
		t.Errorf("%d answers in the tiny community", n)
	}
	dictated := responses(t, a, "wave_id = ? AND area_code = ? AND mode = ?", city.Open.ID, city.Dictated, collector.Scanned)
	if len(dictated) != plans[Small].dictated {
		t.Errorf("%d dictated answers", len(dictated))
	}
	for _, r := range dictated {
		if s := r.ReceivedAt.Sub(*r.StartedAt).Seconds(); s < 24 || s > 27 || !strings.Contains(r.Answers, `"q18":"5"`) {
			t.Errorf("dictated in %.1f s: %s", s, r.Answers)
		}
	}
	for code, state := range map[string]collector.State{
		city.Resident: collector.Open, city.Visit: collector.Open, city.DeadPoster: collector.Open, city.RevokedPoster: collector.Revoked, city.ExpiredLink: collector.Expired,
	} {
		sheet, err := a.Responses.Open(ctx, code)
		if err != nil || sheet.State != state {
			t.Errorf("%s is %s, err %v, want %s", code, sheet.State, err, state)
		}
	}
	dead, err := a.Collectors.ByCode(ctx, city.DeadPoster)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(responses(t, a, "collector_id = ?", dead.ID)); n != 0 {
		t.Errorf("%d scans of the dead poster", n)
	}
	if n := len(responses(t, a, "wave_id = ? AND area_code = ? AND mode = ?", city.Open.ID, dead.AreaCode, collector.Scanned)); n == 0 {
		t.Error("nobody scans in the community of the dead poster")
	}
	before, after := responses(t, a, "wave_id = ? AND area_code = ?", city.Closed.ID, city.Merged), responses(t, a, "wave_id = ? AND area_code = ?", city.Open.ID, city.Merged)
	if len(before) == 0 || len(after) != 0 {
		t.Errorf("the merged community has %d answers before and %d after", len(before), len(after))
	}
	if _, ok := city.Truth(city.Merged, "awareness", city.Closed.ID); ok {
		t.Error("the merged community has a truth of its own")
	}

	text, err := os.ReadFile("../../docs/methods/demo-city.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, code := range []string{city.Dictated, city.Tiny, city.Merged, city.Successor, deadCode, revokedCode, expiredCode} {
		place, err := a.Areas.ByCode(ctx, code)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), place.NameZH); n < 2 {
			t.Errorf("the note on the demo city names %s, %s, %d times instead of once in each language", code, place.NameZH, n)
		}
	}
}

func testSignIns(t *testing.T, a *app.App, city City) {
	want := []string{"office", "subdistrict", "community", "worker", "unit", "viewer", "sysadmin", "secadmin", "auditor"}
	if !slices.Equal(city.Logins, want) {
		t.Errorf("sign-ins %q", city.Logins)
	}
	for _, login := range city.Logins {
		_, who, err := a.Accounts.SignIn(t.Context(), login, password)
		if err != nil {
			t.Errorf("%s: %v", login, err)
			continue
		}
		// The administrators keep the whole installation.
		inside := survey.Within(CityCode, who.Home()) || slices.Contains(want[6:], login) && who.Home() == survey.Everywhere
		if !slices.Equal(who.Roles(), []string{login}) || !inside {
			t.Errorf("%s is %+v", login, who)
		}
	}
}

func testScores(t *testing.T, a *app.App, city City) {
	if err := a.Scores.RefreshStale(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{city.Closed.ID, city.Open.ID} {
		shown := map[area.Level]int{}
		for _, level := range []area.Level{area.City, area.District, area.Subdistrict} {
			b, err := a.Scores.Scores(t.Context(), survey.System, score.Query{Wave: w, Level: level, Mode: score.Combined})
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range b.Scores {
				if s.Suppressed() {
					t.Errorf("%s %s: %s", s.AreaCode, s.Indicator, s.Reason)
				}
				shown[level]++
			}
		}
		if shown[area.City] != 4 || shown[area.District] != 16 || shown[area.Subdistrict] != 68 {
			t.Errorf("scores by level: %v", shown)
		}
	}
	// Visits find the truth; scans do not, however they are weighted.
	for _, mode := range []string{collector.Visited, collector.Scanned} {
		b, err := a.Scores.Scores(t.Context(), survey.System, score.Query{Wave: city.Open.ID, Area: DistrictCode, Mode: mode})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range b.Scores {
			truth, ok := city.Truth(DistrictCode, s.Indicator, city.Open.ID)
			if !ok {
				t.Fatalf("no truth of %s", s.Indicator)
			}
			within := *s.Low <= truth && truth <= *s.High
			t.Logf("%s %s: %.1f [%.1f, %.1f], truth %.1f", mode, s.Indicator, *s.Estimate, *s.Low, *s.High, truth)
			if mode == collector.Visited && !within {
				t.Errorf("visits miss the truth of %s", s.Indicator)
			}
			if mode == collector.Scanned && s.Indicator == "awareness" && *s.Low <= truth {
				t.Error("scans are not too high in awareness")
			}
		}
	}
	b, err := a.Scores.Scores(t.Context(), survey.System, score.Query{Wave: city.Open.ID, Area: city.Tiny, Mode: score.Combined})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range b.Scores {
		if !s.Suppressed() {
			t.Errorf("%s of %d answers is shown", s.Indicator, s.N)
		}
	}
}

func testSubmit(t *testing.T, a *app.App, city City) {
	for code, household := range map[string]string{city.Resident: "", city.Visit: city.Household} {
		sheet, err := a.Responses.Open(t.Context(), code)
		if err != nil {
			t.Fatal(err)
		}
		p := person{home: city.town.communities[0], cell: 3}
		receipt, first, err := a.Responses.Submit(t.Context(), response.Submission{
			Code: code, ID: sheet.Ticket.ID, Ticket: sheet.Ticket.Token, Via: response.ViaPage, Lang: "zh", Household: household,
			Answers: p.answer(chance(1, "submit"), 1),
		})
		if err != nil || !first || receipt.Status != response.Counted {
			t.Errorf("%s, household %q: %+v, first %v, err %v", code, household, receipt, first, err)
		}
	}
}

func testAgain(t *testing.T, a *app.App, city City) {
	again, err := Fill(t.Context(), a, Options{Password: "another one 2", Size: Full, Seed: 7, Now: now.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(responses(t, a, "1 = 1")); n != 2_002 {
		t.Errorf("%d answers after filling again", n)
	}
	if !city.Fresh || again.Fresh || again.Size != Small || again.Resident != city.Resident || again.Open.ID != city.Open.ID {
		t.Errorf("described as %+v", again)
	}
	x, _ := city.Truth(CityCode, "awareness", city.Open.ID)
	if y, ok := again.Truth(CityCode, "awareness", city.Open.ID); !ok || x != y {
		t.Errorf("the truth was %v and is %v", x, y)
	}
}

func TestFillRefuses(t *testing.T) {
	t.Run("a database with something else in it", func(t *testing.T) {
		a := newApp(t, "sqlite")
		other := area.Area{Code: "110100000000", Level: area.City, NameZH: "别的城市", ValidFrom: now}
		if err := a.Areas.Save(t.Context(), []area.Area{other}, nil, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := Fill(t.Context(), a, Options{Password: password}); !errors.Is(err, ErrNotEmpty) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("a database in which filling was interrupted", func(t *testing.T) {
		a := newApp(t, "sqlite")
		ctx, cancel := context.WithCancel(t.Context())
		if err := note(ctx, a, begun, made{Size: Small}); err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, err := Fill(t.Context(), a, Options{Password: password}); !errors.Is(err, ErrUnfinished) {
			t.Errorf("got %v", err)
		}
	})
	for name, o := range map[string]Options{"an unknown size": {Size: "huge", Password: password}, "a short password": {Password: "short"}} {
		t.Run(name, func(t *testing.T) {
			a := newApp(t, "sqlite")
			if _, err := Fill(t.Context(), a, o); survey.KindOf(err) != survey.Invalid {
				t.Errorf("got %v", err)
			}
			if _, err := Fill(t.Context(), a, Options{Password: password}); err != nil {
				t.Errorf("filling after a refusal: %v", err)
			}
		})
	}
}

func BenchmarkFill(b *testing.B) {
	for _, size := range []string{Small, Full} {
		b.Run(size, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				a := newApp(b, "sqlite")
				b.StartTimer()
				if _, err := Fill(b.Context(), a, Options{Size: size, Password: password}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
