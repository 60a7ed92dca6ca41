/* SPDX-License-Identifier: MIT */
/* The colors of text and marks. All of a theme are read on its background with a contrast of at
 * least 4.5 to 1, also when a terminal rounds them to its 256: tests/unit/test-theme.c.
 *
 * Source: WCAG 2.2, "contrast ratio", "relative luminance". */
#include "ui/kit/theme.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct theme themes[2] = {
    {"dark", {0, 0, 0},
     {{255, 214, 0}, {0, 214, 255}, {255, 102, 204}, {128, 255, 80}, {190, 140, 255},
      {204, 204, 204}, {255, 175, 95}, {95, 175, 255}, {0, 214, 255}, {158, 158, 158}}},
    {"light", {255, 255, 255},
     {{135, 95, 0}, {0, 95, 135}, {175, 0, 135}, {0, 95, 0}, {95, 0, 215}, {88, 88, 88},
      {175, 80, 0}, {0, 95, 175}, {0, 95, 135}, {98, 98, 98}}},
};

const char *const theme_color_names[THEME_COLORS] = {"rank1", "rank2", "rank3", "rank4", "rank5",
                                                     "rest", "more", "less", "accent", "dim"};

static struct {
    bool chosen, back_known;
    int theme; /* if it is chosen */
    struct rgb back;
    struct rgb own[THEME_COLORS];
    bool has_own[THEME_COLORS];
} now;

double theme_luminance(struct rgb k)
{
    const double part[3] = {k.r / 255.0, k.g / 255.0, k.b / 255.0};
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    double sum = 0;
    for (int i = 0; i < 3; i++)
        sum += weight[i] * (part[i] <= 0.04045 ? part[i] / 12.92
                                               : pow((part[i] + 0.055) / 1.055, 2.4));
    return sum;
}

/* Where black and white have the same contrast: sqrt(0.05 * 1.05) - 0.05. */
#define MIDDLE 0.179129

struct rgb theme_ink(struct rgb back)
{
    uint8_t ink = theme_luminance(back) > MIDDLE ? 0 : 255;
    return (struct rgb){ink, ink, ink};
}

static int theme_now(void)
{
    if (now.chosen)
        return now.theme;
    return now.back_known && theme_luminance(now.back) > MIDDLE;
}

struct rgb theme_color(enum theme_color which)
{
    if (theme_is_plain())
        return theme_ink(theme_back());
    return now.has_own[which] ? now.own[which] : themes[theme_now()].colors[which];
}

bool theme_choose(const char *name)
{
    int i = 0;
    while (i < 2 && strcmp(themes[i].name, name) != 0)
        i++;
    if (i == 2 && strcmp(name, "auto") != 0)
        return false;
    now.chosen = i < 2;
    now.theme = i & 1;
    return true;
}

void theme_set_back(const uint8_t *rgb)
{
    now.back_known = rgb != NULL;
    if (rgb)
        now.back = (struct rgb){rgb[0], rgb[1], rgb[2]};
}

struct rgb theme_back(void)
{
    return now.back_known ? now.back : themes[theme_now()].back;
}

bool theme_is_back(const uint8_t *rgb)
{
    return now.back_known && rgb[0] == now.back.r && rgb[1] == now.back.g && rgb[2] == now.back.b;
}

struct rgb theme_shade(double share)
{
    struct rgb back = theme_back(), ink = theme_ink(back);
    return (struct rgb){(uint8_t)(back.r + share * (ink.r - back.r)),
                        (uint8_t)(back.g + share * (ink.g - back.g)),
                        (uint8_t)(back.b + share * (ink.b - back.b))};
}

bool theme_is_plain(void)
{
    const char *variable = getenv("NO_COLOR");
    return variable && variable[0];
}

const char *theme_name(void)
{
    return themes[theme_now()].name;
}

static bool parse_color(const char *s, struct rgb *out)
{
    unsigned r, g, b;
    char rest;
    bool hex = strlen(s) == 7 && strspn(s + 1, "0123456789abcdefABCDEF") == 6 &&
               sscanf(s, "#%2x%2x%2x", &r, &g, &b) == 3;
    bool good = hex || (s[0] >= '0' && s[0] <= '9' &&
                        sscanf(s, "%3u,%3u,%3u%c", &r, &g, &b, &rest) == 3 && r < 256 &&
                        g < 256 && b < 256);
    if (good)
        *out = (struct rgb){(uint8_t)r, (uint8_t)g, (uint8_t)b};
    return good;
}

bool theme_set_color(const char *name, const char *value)
{
    for (int i = 0; i < THEME_COLORS; i++)
        if (strcmp(theme_color_names[i], name) == 0) {
            struct rgb k;
            bool none = strcmp(value, "default") == 0;
            if (!none && !parse_color(value, &k))
                return false;
            now.has_own[i] = !none;
            now.own[i] = none ? (struct rgb){0} : k;
            return true;
        }
    return false;
}
