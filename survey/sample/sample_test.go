package sample_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/uuid"

	"chengyin/survey"
	"chengyin/survey/apptest"
	"chengyin/survey/sample"
	"chengyin/survey/store/storetest"
)

var ctx = context.Background()

func TestSample(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			w := apptest.New(t, storetest.DSN(t, dialect))
			unit := func(household string, weight float64) sample.Unit {
				return sample.Unit{ID: uuid.NewString(), WaveID: w.Wave.ID, AreaCode: apptest.South, Stratum: "s", PSU: "p", Household: household, Weight: weight}
			}
			count := func() (n int64) {
				if err := w.DB.Read(ctx).Model(&sample.Unit{}).Count(&n).Error; err != nil {
					t.Fatal(err)
				}
				return n
			}
			before := count()
			t.Run("a drawn household is found with its design", func(t *testing.T) {
				want := unit("x-1", 1.0/3)
				if err := w.Samples.Add(ctx, []sample.Unit{want}); err != nil {
					t.Fatal(err)
				}
				if got, err := w.Samples.ByHousehold(ctx, w.Wave.ID, "x-1"); err != nil || got != want {
					t.Fatalf("%+v %v", got, err)
				}
			})
			t.Run("a household that was not drawn is not found", func(t *testing.T) {
				for _, x := range [][2]string{{w.Wave.ID, "x-2"}, {w.Wave.ID, ""}, {w.Wave.ID, "三单元"}, {w.Wave.ID, strings.Repeat("x", 500)}, {"other", "x-1"}} {
					if _, err := w.Samples.ByHousehold(ctx, x[0], x[1]); !errors.Is(err, sample.ErrNotFound) {
						t.Errorf("%q: %v", x, err)
					}
				}
			})
			t.Run("a household is drawn once, and all or none are added", func(t *testing.T) {
				if err := w.Samples.Add(ctx, []sample.Unit{unit("x-3", 1), unit("x-1", 1)}); err == nil {
					t.Fatal("drawn twice")
				}
				if n := count(); n != before+1 {
					t.Fatalf("%d units are there instead of %d", n, before+1)
				}
			})
			t.Run("a weight that is no positive number is refused", func(t *testing.T) {
				for _, weight := range []float64{0, -1, math.NaN(), math.Inf(1)} {
					if err := w.Samples.Add(ctx, []sample.Unit{unit("x-4", weight)}); !errors.Is(err, survey.ErrInvalid) {
						t.Errorf("%v: %v", weight, err)
					}
				}
			})
			t.Run("many are added at once, and none do nothing", func(t *testing.T) {
				var many []sample.Unit
				for i := range 450 {
					many = append(many, unit(fmt.Sprintf("m-%d", i), 1))
				}
				if err := errors.Join(w.Samples.Add(ctx, many), w.Samples.Add(ctx, nil)); err != nil {
					t.Fatal(err)
				}
				if n := count(); n != before+451 {
					t.Fatalf("%d units are there instead of %d", n, before+451)
				}
			})
		})
	}
}
