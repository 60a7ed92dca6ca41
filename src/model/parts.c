/* SPDX-License-Identifier: MIT */
/* The names of everything that models have, its sizes, and where tokens stand in a sequence. */
#include "src/model/family.h"

#include <string.h>

const struct stream_names stream_table[STREAM_COUNT] = {
    [STREAM_TEXT] = {"t", "text", "text", .tokens = true},
    [STREAM_IMAGE] = {"v", "image", "regions", .regions = true},
    [STREAM_JOINT] = {"j", "joint", "text and the regions", .tokens = true, .regions = true},
};

const struct part_names part_table[PART_COUNT] = {
    [PART_EMBEDDINGS] = {"embeddings", "embeddings", "embeddings", NULL, true},
    [PART_TEXT] = {"t", "text", "text", "textual", false},
    [PART_VISUAL] = {"v", "image", "image", "visual", false},
    [PART_CO] = {"c", "co", "co-attention", "co-attention", true},
    [PART_HEADS] = {"", "heads", "poolers and heads", NULL, false},
    [PART_JOINT] = {"j", "joint", "joint", "joint", false},
};

const struct attn_names attn_table[ATTN_COUNT] = {
    [ATTN_TEXT] = {PART_TEXT, STREAM_TEXT, STREAM_TEXT, "", "text", "text", "text to text",
                   "text"},
    [ATTN_VISUAL] = {PART_VISUAL, STREAM_IMAGE, STREAM_IMAGE, "", "image", "image",
                     "image to image", "image"},
    [ATTN_TEXT_TO_IMAGE] = {PART_CO, STREAM_TEXT, STREAM_IMAGE, ".1", "text-to-image",
                            "text to image", "text to image", "text>image"},
    [ATTN_IMAGE_TO_TEXT] = {PART_CO, STREAM_IMAGE, STREAM_TEXT, ".2", "image-to-text",
                            "image to text", "image to text", "image>text"},
    [ATTN_JOINT] = {PART_JOINT, STREAM_JOINT, STREAM_JOINT, "", "joint", "joint",
                    "text and image", "joint"},
};

const struct output_names output_table[OUT_COUNT] = {
    [OUT_VQA] = {"out.vil_prediction", HEAD_VQA, ROWS_IMAGES},
    [OUT_GQA] = {"out.vil_prediction_gqa", HEAD_GQA, ROWS_IMAGES},
    [OUT_ALIGN] = {"out.vil_logit", HEAD_ALIGN, ROWS_IMAGES},
    [OUT_BINARY] = {"out.vil_binary_prediction", HEAD_BINARY, ROWS_PAIRS},
    [OUT_TRI] = {"out.vil_tri_prediction", HEAD_TRI, ROWS_IMAGES},
    [OUT_REGION_CLASS] = {"out.vision_prediction", HEAD_REGION_CLASS, ROWS_REGIONS},
    [OUT_GROUND] = {"out.vision_logit", HEAD_GROUND, ROWS_REGIONS},
    [OUT_WORD] = {"out.linguisic_prediction", HEAD_WORD, ROWS_TOKENS},
    [OUT_WORD_LOGIT] = {"out.linguisic_logit", HEAD_WORD_LOGIT, ROWS_TOKENS},
    [OUT_POOLED_T] = {"out.pooled_t", HEAD_POOLED, ROWS_IMAGES},
    [OUT_POOLED_V] = {"out.pooled_v", HEAD_POOLED, ROWS_IMAGES},
    [OUT_SEQUENCE_T] = {"out.sequence_t", HEAD_SEQUENCE, ROWS_TOKENS},
    [OUT_SEQUENCE_V] = {"out.sequence_v", HEAD_SEQUENCE, ROWS_REGIONS},
    [OUT_POOLED] = {"out.pooled", HEAD_POOLED, ROWS_IMAGES},
    [OUT_MATCH] = {"out.seq_relationship_score", HEAD_MATCH, ROWS_IMAGES},
    [OUT_ALIGNMENT] = {"out.alignment", HEAD_MATCH, ROWS_IMAGES},
    [OUT_JOINT_GQA] = {"out.vil_prediction", HEAD_GQA, ROWS_IMAGES},
    [OUT_JOINT_MATCH] = {"out.vil_binary_prediction", HEAD_MATCH, ROWS_IMAGES},
    [OUT_PRE_WORD] = {"out.prediction_scores_t", HEAD_WORD, ROWS_TOKENS},
    [OUT_PRE_REGION_CLASS] = {"out.prediction_scores_v", HEAD_REGION_CLASS, ROWS_REGIONS},
};

/* ---- masked regions */

/* The reference's detector has 1600 classes and the background. */
#define CLASSES 1601

enum region_target target_of(int numbers, int features, int said)
{
    if (numbers == CLASSES || numbers != features)
        return TARGET_CLASSES;
    return said == 1 ? TARGET_FEATURES : said == 2 ? TARGET_CONTRAST : TARGET_VECTOR;
}

const char *target_name(enum region_target t)
{
    static const char *const names[] = {
        [TARGET_CLASSES] = "scores of classes",
        [TARGET_FEATURES] = "the features of the region themselves (regression)",
        [TARGET_CONTRAST] = "a vector whose products with features rank them (NCE)",
        [TARGET_VECTOR] = ("a vector: features (regression) or to be multiplied with them (NCE), "
                           "which \"visual_target\" 1 or 2 in the configuration would tell"),
    };
    return names[t];
}

enum net_part part_find(const char *word)
{
    int i = 0;
    while (i < PART_COUNT && strcmp(part_table[i].word, word) != 0)
        i++;
    return (enum net_part)i;
}

enum attn_kind attn_find(const char *word)
{
    int i = 0;
    while (i < ATTN_COUNT && strcmp(attn_table[i].word, word) != 0)
        i++;
    return (enum attn_kind)i;
}

enum net_output output_of(unsigned head)
{
    int i = 0;
    while (i < OUT_COUNT - 1 && output_table[i].head != (enum net_head)head)
        i++;
    return (enum net_output)i;
}

/* ---- sizes and places */

int net_word_width(const struct net_sizes *s)
{
    return s->width[s->width[STREAM_TEXT] ? STREAM_TEXT : STREAM_JOINT];
}

int net_map_layers(const struct net_sizes *s, enum attn_kind map)
{
    return s->part[attn_table[map].part].layers;
}

int net_map_heads(const struct net_sizes *s, enum attn_kind map)
{
    return s->part[attn_table[map].part].heads;
}

int net_token_row(const struct net *n, int i)
{
    return n->task_tokens && i >= n->family->task_place ? i + 1 : i;
}

int net_input_token(const struct net *n, int row)
{
    int place = n->task_tokens ? n->family->task_place : 0;
    if (!place || row < place)
        return row;
    return row == place ? -1 : row - 1;
}

int net_target_images(const struct net_target *target, int batch, int *first)
{
    bool pair = output_table[target->output].rows == ROWS_PAIRS && batch % 2 == 0;
    *first = pair ? 2 * target->b : target->b;
    return pair ? 2 : 1;
}
