/* SPDX-License-Identifier: MIT */
/* Colors that are read: every one of each theme on its background, as it is and as terminals of 256
 * colors round it, and black or white on any color. Broken by a color that is too near to its
 * background. */
#include "tap.h"
#include "ui/kit/blocks.h"
#include "ui/kit/theme.h"

#include <curses.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST 4.5

/* Computed apart from the program's, by the formula of WCAG 2.2. */
static double linear(int value)
{
    double v = value / 255.0;
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static double luminance(struct rgb k)
{
    return 0.2126 * linear(k.r) + 0.7152 * linear(k.g) + 0.0722 * linear(k.b);
}

static double contrast(struct rgb a, struct rgb b)
{
    double x = luminance(a), y = luminance(b);
    return x > y ? (x + 0.05) / (y + 0.05) : (y + 0.05) / (x + 0.05);
}

static uint8_t level(int x)
{
    static const uint8_t levels[] = {0, 95, 135, 175, 215, 255};
    int best = 0;
    for (int i = 1; i < 6; i++)
        if (abs(levels[i] - x) < abs(levels[best] - x))
            best = i;
    return levels[best];
}

static void themes_are_read(void)
{
    for (int t = 0; t < 2; t++)
        for (int i = 0; i < THEME_COLORS; i++) {
            struct rgb k = themes[t].colors[i], rounded = {level(k.r), level(k.g), level(k.b)};
            double exact = contrast(k, themes[t].back), near = contrast(rounded, themes[t].back);
            ok(exact >= LEAST && near >= LEAST, "%s, %s: %.2f, rounded %.2f", themes[t].name,
               theme_color_names[i], exact, near);
        }
}

/* The table in ui/NOTES.md has what is computed here. */
static void table_is_right(void)
{
    static char notes[1 << 16];
    FILE *f = fopen(source_path("ui/NOTES.md"), "r");
    size_t n = f ? fread(notes, 1, sizeof notes - 1, f) : 0;
    if (f)
        fclose(f);
    notes[n] = '\0';
    for (int i = 0; i < THEME_COLORS; i++) {
        char line[128];
        snprintf(line, sizeof line, "| %s | %.1f | %.1f |", theme_color_names[i],
                 contrast(themes[0].colors[i], themes[0].back),
                 contrast(themes[1].colors[i], themes[1].back));
        ok(strstr(notes, line) != NULL, "ui/NOTES.md has %s", line);
    }
}

/* The backgrounds that people have. */
static void usual_backgrounds(void)
{
    static const struct {
        const char *name, *theme;
        struct rgb back;
    } all[] = {{"black", "dark", {0, 0, 0}}, {"Solarized dark", "dark", {0, 43, 54}},
               {"Gruvbox", "dark", {40, 40, 40}}, {"Dracula", "dark", {40, 42, 54}},
               {"white", "light", {255, 255, 255}}, {"Solarized light", "light", {253, 246, 227}},
               {"Tango light", "light", {238, 238, 236}}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const uint8_t back[3] = {all[i].back.r, all[i].back.g, all[i].back.b};
        double least = 99;
        theme_set_back(back);
        for (int k = 0; k < THEME_COLORS; k++)
            least = fmin(least, contrast(theme_color((enum theme_color)k), all[i].back));
        ok(strcmp(theme_name(), all[i].theme) == 0 && least >= LEAST, "on %s the %s one, %.2f",
           all[i].name, theme_name(), least);
        struct rgb b = theme_back();
        ok(b.r == back[0] && b.g == back[1] && b.b == back[2], "and pictures lie on it");
    }
    theme_set_back(NULL);
    ok(strcmp(theme_name(), "dark") == 0, "a terminal that does not tell is dark");
}

/* Numbers on the colors of maps and legends, as terminals of that many colors have them. */
static void legends_are_read(int colors)
{
    static const char *const maps[] = {"inferno", "viridis", "cividis", "gray"};
    COLORS = colors;
    for (int m = 0; m < 5; m++) {
        double least = 99;
        if (m < 4)
            canvas_set_color_map(maps[m]);
        for (int i = -1000; i <= 1000; i++) {
            struct rgb k = m < 4 ? canvas_heat_color((float)abs(i) / 1000)
                                 : canvas_signed_color((float)i / 1000);
            struct rgb shown = blocks_shown(k), ink = blocks_ink(theme_ink(k), k);
            least = fmin(least, contrast(ink, shown));
        }
        ok(least >= LEAST, "numbers on %s in %d colors: %.2f", m < 4 ? maps[m] : "signs", colors,
           least);
    }
    canvas_set_color_map(maps[0]);
}

static void inks(void)
{
    double least = 99;
    for (int r = 0; r < 256; r += 5)
        for (int g = 0; g < 256; g += 5)
            for (int b = 0; b < 256; b += 5) {
                struct rgb back = {(uint8_t)r, (uint8_t)g, (uint8_t)b};
                least = fmin(least, contrast(theme_ink(back), back));
            }
    ok(least >= LEAST, "text on any color: %.2f", least);
}

static void settings(void)
{
    struct rgb k;
    const uint8_t white[3] = {255, 255, 255};
    ok(theme_choose("light") && strcmp(theme_name(), "light") == 0, "light is light");
    k = theme_color(THEME_RANK);
    ok(k.r == themes[1].colors[0].r, "with its colors");
    ok(theme_choose("auto") && strcmp(theme_name(), "dark") == 0, "auto goes by the background");
    theme_set_back(white);
    ok(strcmp(theme_name(), "light") == 0, "which may turn");
    ok(theme_choose("dark") && strcmp(theme_name(), "dark") == 0, "but not against the user");
    ok(!theme_choose("gray"), "other words are none");
    ok(theme_set_color("more", "#102030") && theme_color(THEME_MORE).b == 0x30, "a color in hex");
    ok(theme_set_color("less", "1,2,3") && theme_color(THEME_LESS).g == 2, "in numbers");
    ok(theme_set_color("more", "default") && theme_color(THEME_MORE).r == 255, "and taken back");
    static const char *const bad[] = {"", "#12345", "#1234567", "#12345g", "1,2", "1,2,256",
                                      "-1,2,3", "1,2,3,4", "red", "# 1 2 3"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ok(!theme_set_color("less", bad[i]), "no color: \"%s\"", bad[i]);
    ok(!theme_set_color("rank9", "#ffffff") && theme_color(THEME_LESS).g == 2, "nor such a name");
}

int main(void)
{
    themes_are_read();
    table_is_right();
    usual_backgrounds();
    inks();
    legends_are_read(1 << 24);
    legends_are_read(256);
    legends_are_read(8);
    settings();
    return tap_done();
}
