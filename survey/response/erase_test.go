package response_test

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"chengyin/survey/app"
	"chengyin/survey/apptest"
	"chengyin/survey/event"
	"chengyin/survey/questionnaire"
	"chengyin/survey/response"
	"chengyin/survey/store/storetest"
	"chengyin/survey/tally"
)

// recountedAfterErasure fails when the stored tallies are not what the remaining
// answers say. Cells that everybody has left stay, with nothing in them.
func recountedAfterErasure(t *testing.T, w *apptest.World) {
	t.Helper()
	want, err := w.Responses.Recount(ctx, w.Wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tally.Load(w.DB.Read(ctx), w.Wave.ID)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[tally.Key]tally.Row{}
	for _, r := range want {
		answers[r.Key()] = r
	}
	for _, g := range got {
		x := answers[g.Key()]
		delete(answers, g.Key())
		if g.N != x.N {
			t.Errorf("cell %+v counts %d, the answers give %d", g.Key(), g.N, x.N)
		}
		for k, pair := range [][2]float64{{g.D, x.D}, {g.DD, x.DD}, {g.DY, x.DY}, {g.DYY, x.DYY}, {g.DDY, x.DDY}, {g.DDYY, x.DDYY}, {g.DK, x.DK}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9*max(1, math.Abs(pair[1])) || g.N == 0 && k < 6 && pair[0] != 0 {
				t.Errorf("cell %+v sum %d is %v, the answers give %v", g.Key(), k, pair[0], pair[1])
			}
		}
	}
	if len(answers) > 0 {
		t.Errorf("the tallies lack %d cells", len(answers))
	}
}

func TestErase(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		in := filled(t, w, w.Visits.Code, questionnaire.Answers{"q19": "路灯不亮"})
		in.Household, in.Net = "h2", "203.0.113.0/24"
		kept := filled(t, w, w.Posters[apptest.North].Code, nil)
		if _, _, err := w.Responses.Submit(ctx, kept); err != nil {
			t.Fatal(err)
		}
		receipt, _, err := w.Responses.Submit(ctx, in)
		if err != nil || receipt.Status != response.Counted {
			t.Fatal(receipt, err)
		}
		other := in
		other.Answers = apptest.Answers(questionnaire.Answers{"q18": "1"})
		if _, _, err := w.Responses.Submit(ctx, other); !errors.Is(err, response.ErrDiffers) {
			t.Fatal(err)
		}
		if err := w.Responses.Erase(ctx, strings.ToLower(receipt.Code)); err != nil {
			t.Fatal(err)
		}
		recountedAfterErasure(t, w)
		for table, want := range map[string]int64{"responses": 1, "response_rivals": 0, "response_traces": 0, "response_tombstones": 1} {
			if n := count(t, w, table); n != want {
				t.Errorf("%s has %d rows instead of %d", table, n, want)
			}
		}
		t.Run("a retry does not bring it back", func(t *testing.T) {
			for _, again := range []response.Submission{in, other} {
				if _, _, err := w.Responses.Submit(ctx, again); !errors.Is(err, response.ErrErased) {
					t.Errorf("%v", err)
				}
			}
			if n := count(t, w, "responses"); n != 1 {
				t.Errorf("%d responses", n)
			}
			recountedAfterErasure(t, w)
		})
		t.Run("its receipt says so, however often it is asked", func(t *testing.T) {
			if _, err := w.Responses.Receipt(ctx, receipt.Code); !errors.Is(err, response.ErrErased) {
				t.Error(err)
			}
			if err := w.Responses.Erase(ctx, receipt.Code); !errors.Is(err, response.ErrErased) {
				t.Error(err)
			}
			for _, none := range []string{"", "0000-0000-0000", "张三"} {
				if err := w.Responses.Erase(ctx, none); !errors.Is(err, response.ErrNoReceipt) {
					t.Errorf("%q: %v", none, err)
				}
			}
		})
		t.Run("the tombstone does not hold the receipt", func(t *testing.T) {
			var stone response.Tombstone
			if err := w.DB.Read(ctx).Take(&stone).Error; err != nil || stone.ResponseID != receipt.ID || stone.ReceiptHash == "" || strings.Contains(stone.ReceiptHash, strings.ReplaceAll(receipt.Code, "-", "")) {
				t.Errorf("%+v %v", stone, err)
			}
		})
		t.Run("the trail tells of it without answers or where it came from", func(t *testing.T) {
			var e event.Event
			err := w.DB.Read(ctx).Where("kind = ?", "response.erased").Take(&e).Error
			if err != nil || e.Object != receipt.ID || e.Source != "" || strings.Contains(e.Payload, "路灯") {
				t.Errorf("%+v %v", e, err)
			}
		})
		t.Run("the household may be interviewed again", func(t *testing.T) {
			fresh := filled(t, w, w.Visits.Code, nil)
			fresh.Household = "h2"
			if r, first, err := w.Responses.Submit(ctx, fresh); err != nil || !first || r.Status != response.Counted {
				t.Error(r, first, err)
			}
			recountedAfterErasure(t, w)
		})
	})
}

// TestErasingAmongSubmissions: whatever is sent, sent again and deleted in whatever
// order and at once, the tallies are those of the answers that are left, and what
// was deleted is gone.
// TestErasedIsOverwritten: SQLite leaves what is deleted in its file unless told
// otherwise.
func TestErasedIsOverwritten(t *testing.T) {
	dsn := storetest.DSN(t, "sqlite")
	w := apptest.New(t, dsn)
	const words = "the lamp before number seven is broken"
	send := func() response.Receipt {
		t.Helper()
		in := filled(t, w, w.Posters[apptest.North].Code, questionnaire.Answers{"q19": words})
		receipt, _, err := w.Responses.Submit(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		return receipt
	}
	found := func() bool { // in the file and in its log of changes
		t.Helper()
		if err := w.App.Close(); err != nil { // moves the log into the file
			t.Fatal(err)
		}
		path := strings.TrimPrefix(dsn, "sqlite:")
		all, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if log, err := os.ReadFile(path + "-wal"); err == nil {
			all = append(all, log...)
		}
		return bytes.Contains(all, []byte(words))
	}
	first := send()
	if err := w.Responses.Erase(ctx, first.Code); err != nil {
		t.Fatal(err)
	}
	if found() {
		t.Error("deleted words are in the file")
	}
	again, err := app.New(ctx, app.Config{Database: dsn, Secret: []byte(strings.Repeat("s", 32)), CodeVersion: "test", Clock: w.Clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { again.Close() })
	w.App = again
	send()
	if !found() {
		t.Error("the file does not hold the words that were kept: the test cannot tell")
	}
}

func TestErasingAmongSubmissions(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		const people, deeds = 16, 6
		r := rand.New(rand.NewPCG(7, 11))
		var wg sync.WaitGroup
		erased := make([]bool, people)
		sent := make([]response.Submission, people)
		for i := range people {
			code, household := w.Posters[[]string{apptest.North, apptest.South}[i%2]].Code, ""
			if i%4 == 3 {
				code, household = w.Visits.Code, w.Homes[i/4%3].Household // some collide
			}
			in := filled(t, w, code, questionnaire.Answers{"q18": []string{"5", "2", "dk"}[i%3], "age": []string{"a18", "a40", "a70"}[i%3], "q1": []string{"know", "heard"}[i%2]})
			in.Household = household
			sent[i] = in
			plan := make([]int, deeds)
			for k := range plan {
				plan[k] = r.IntN(4)
			}
			for lane := range 2 {
				wg.Go(func() {
					for k, deed := range plan {
						if (k+lane)%2 == 0 && deed == 0 {
							deed = 3
						}
						switch deed {
						case 0, 1:
							if _, _, err := w.Responses.Submit(ctx, in); err != nil && !errors.Is(err, response.ErrErased) && !errors.Is(err, response.ErrDiffers) {
								t.Errorf("submit: %v", err)
							}
						case 2:
							other := in
							other.Answers = apptest.Answers(questionnaire.Answers{"q18": "3", "sex": "m"})
							if _, _, err := w.Responses.Submit(ctx, other); err != nil && !errors.Is(err, response.ErrErased) && !errors.Is(err, response.ErrDiffers) {
								t.Errorf("submit other answers: %v", err)
							}
						case 3:
							var known response.Response
							if w.DB.Read(ctx).Where("id = ?", in.ID).Take(&known).Error != nil {
								continue
							}
							if err := w.Responses.Erase(ctx, known.Receipt); err != nil && !errors.Is(err, response.ErrErased) {
								t.Errorf("erase: %v", err)
							}
						}
					}
				})
			}
		}
		wg.Wait()
		recountedAfterErasure(t, w)
		var stones []response.Tombstone
		if err := w.DB.Read(ctx).Find(&stones).Error; err != nil {
			t.Fatal(err)
		}
		for _, stone := range stones {
			for i := range sent {
				erased[i] = erased[i] || sent[i].ID == stone.ResponseID
			}
		}
		left := 0
		for i, in := range sent {
			var rows []response.Response
			if err := w.DB.Read(ctx).Where("id = ?", in.ID).Find(&rows).Error; err != nil || erased[i] && len(rows) > 0 {
				t.Errorf("person %d was deleted and has %d responses: %v", i, len(rows), err)
			}
			left += len(rows)
		}
		if len(stones) == 0 || left == 0 {
			t.Fatalf("%d deleted, %d left: this tests nothing", len(stones), left)
		}
	})
}

func TestTooYoung(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		for name, answers := range map[string]questionnaire.Answers{
			"alone":               {"age": "u14"},
			"with everything":     apptest.Answers(questionnaire.Answers{"age": "u14", "q19": "我要滑梯"}),
			"as JSON lists":       {"age": []any{"u14"}},
			"with wrong answers":  {"age": "u14", "q1": "?"},
			"among other choices": {"age": []string{"a18", "u14"}},
		} {
			t.Run(name, func(t *testing.T) {
				in := filled(t, w, w.Posters[apptest.North].Code, nil)
				in.Answers, in.Device, in.Net = answers, "phone", "203.0.113.0/24"
				if _, _, err := w.Responses.Submit(ctx, in); !errors.Is(err, response.ErrTooYoung) {
					t.Fatal(err)
				}
			})
		}
		for _, table := range []string{"responses", "response_rivals", "response_traces", "tallies", "wave_keys"} {
			if n := count(t, w, table); n != 0 {
				t.Errorf("%s has %d rows", table, n)
			}
		}
		t.Run("14 to 17 is kept and not counted among adults", func(t *testing.T) {
			if r, _, err := w.Responses.Submit(ctx, filled(t, w, w.Posters[apptest.North].Code, questionnaire.Answers{"age": "u18"})); err != nil || r.Status != response.Counted {
				t.Fatal(r, err)
			}
			if n := count(t, w, "tallies"); n != 0 {
				t.Errorf("it moved %d tallies", n)
			}
		})
	})
}

func TestMasking(t *testing.T) {
	each(t, func(t *testing.T, w *apptest.World) {
		in := filled(t, w, w.Posters[apptest.North].Code, questionnaire.Answers{"q19": "楼道灯坏了，打138 1234 5678，身份证11010519491231002X"})
		receipt, _, err := w.Responses.Submit(ctx, in)
		if err != nil {
			t.Fatal(err)
		}
		r := stored(t, w, in.ID)
		if strings.Contains(r.Answers, "1234") || !strings.Contains(r.Answers, "楼道灯坏了") || r.Masked != 2 {
			t.Errorf("stored %q, %d masked", r.Answers, r.Masked)
		}
		if text := in.Answers["q19"].(string); !strings.Contains(text, "5678") {
			t.Errorf("the caller's answers were changed: %q", text)
		}
		again, first, err := w.Responses.Submit(ctx, in)
		if err != nil || first || again.Code != receipt.Code {
			t.Errorf("a retry: %v %v %v", again, first, err)
		}
		in.Answers["q19"] = "打13987654321找我，别的都不对"
		if _, _, err := w.Responses.Submit(ctx, in); !errors.Is(err, response.ErrDiffers) {
			t.Fatal(err)
		}
		var rival response.Rival
		if err := w.DB.Read(ctx).Take(&rival).Error; err != nil || strings.Contains(rival.Answers, "13987654321") || !strings.Contains(rival.Answers, "［电话］") {
			t.Errorf("%+v %v", rival, err)
		}
	})
}
