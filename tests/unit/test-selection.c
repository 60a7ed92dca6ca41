/* SPDX-License-Identifier: MIT */
/* The selection announces each change once: what is set to what it was is none, several things at
 * once are one, and whoever reads it through the pointer sees the newest. Broken by a setter that
 * forgets the number, counts twice, or changes more than its own. */
#include "tap.h"
#include "ui/state/selection.h"

/* Whether the selection changed so often since *seen. */
static bool changed(const struct selection *s, unsigned *seen, unsigned times)
{
    unsigned since = selection_changes(s) - *seen;
    *seen = selection_changes(s);
    return since == times;
}

static void one_thing(struct selection *s, const struct chosen *now)
{
    unsigned seen = selection_changes(s);
    ok(now->token == -1 && now->region == -1 && !now->overlay && now->column[ATTN_TEXT] == -1,
       "nothing is chosen at first");
    ok(now->slice.kind == ATTN_TEXT_TO_IMAGE && now->slice.head[ATTN_VISUAL] == LOOK_MEAN,
       "the slice is text to image, means of heads");
    selection_token(s, 3);
    ok(changed(s, &seen, 1) && now->token == 3, "a token: one change, seen by who reads");
    selection_token(s, 3);
    ok(changed(s, &seen, 0), "the same token: none");
    selection_region(s, 0);
    ok(changed(s, &seen, 1) && now->region == 0 && now->token == 3, "a region: the token stays");
    selection_rank(s, 2);
    ok(changed(s, &seen, 1) && now->rank == 2, "a rank");
    selection_rank(s, 2);
    ok(changed(s, &seen, 0), "the same rank");
    selection_column(s, ATTN_TEXT, 5);
    ok(changed(s, &seen, 1) && now->column[ATTN_TEXT] == 5 && now->column[ATTN_VISUAL] == -1,
       "a column of one map");
    selection_overlay(s, true);
    ok(changed(s, &seen, 1) && now->overlay, "the overlay");
    selection_overlay(s, true);
    ok(changed(s, &seen, 0), "which is on already");
}

static void several(struct selection *s, const struct chosen *now)
{
    unsigned seen = selection_changes(s);
    struct chosen next = *now;
    next.token = 1;
    next.region = 4;
    next.slice.layer[ATTN_TEXT] = 2;
    selection_set(s, &next);
    ok(changed(s, &seen, 1) && now->token == 1 && now->region == 4 && now->rank == 2,
       "several things at once are one change");
    selection_set(s, &next);
    ok(changed(s, &seen, 0), "and the same ones none");
    selection_look(s, 7);
    ok(changed(s, &seen, 1) && now->token == 7 && now->overlay, "a token that is looked from");
    selection_look(s, -1);
    ok(changed(s, &seen, 1) && now->token == -1 && !now->overlay && now->region == 4, "and none");
    selection_clear(s);
    ok(changed(s, &seen, 1) && now->region == -1 && now->rank == 2, "all is let go but the rank");
    selection_clear(s);
    ok(changed(s, &seen, 0), "once");
}

static void slices(struct selection *s, const struct chosen *now)
{
    unsigned seen = selection_changes(s);
    struct slice x = now->slice, y = x;
    ok(slice_equal(&x, &y), "a copy of a slice is equal to it");
    slice_choose(&y, ATTN_VISUAL, 2, 1);
    ok(!slice_equal(&x, &y) && y.layer[ATTN_VISUAL] == 2 && y.head[ATTN_VISUAL] == 1 &&
       y.layer[ATTN_TEXT] == x.layer[ATTN_TEXT], "a head is chosen in one map");
    ok(changed(s, &seen, 0), "which is nothing to the selection");
    selection_slice(s, &y);
    ok(changed(s, &seen, 1) && slice_equal(&now->slice, &y), "until it is set");
    y.depth = 0;
    selection_slice(s, &y);
    ok(changed(s, &seen, 1) && now->slice.depth == 0, "a depth is a part of it");
}

int main(void)
{
    struct selection *s = selection_new(ATTN_TEXT_TO_IMAGE);
    one_thing(s, selection_chosen(s));
    several(s, selection_chosen(s));
    slices(s, selection_chosen(s));
    selection_free(s);
    return tap_done();
}
