#!/bin/sh
# SPDX-License-Identifier: MIT
# Files of referring expressions and of captions that are damaged: RefCOCO's pickle and instances, read
# as the makers' files and in the reference's folder, Flickr30k's table of captions, and Entities. Cut
# off, empty, of another kind, without a member, with one of another type, of an image that is not
# there: each time lines name the file and the item, and the other items are measured. An item that
# goes without a word breaks it.
set -u
tiny=$SRCDIR/tests/data/tiny
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export VILSCOPE_LOG="$work/log.db" XDG_CACHE_HOME="$work/cache"
. "$SRCDIR/tests/cli/lib.sh"
cd "$work" || exit 1

mkdir npy in
for name in COCO_train2014_000000000042 10; do
    cp "$tiny/scene.npy" "npy/$name.npy"
done
cp "$tiny/mirror.npy" npy/20.npy
cp "$tiny/scene.png" in/42.png
eval_of() { # eval_of OPTION...: its status; what it says is in out and err
    timeout 60 "$VILSCOPE" eval -m "$tiny" --no-log "$@" >out 2>err
}
says() { # says WHAT STATUS COUNT WANTED PATTERN...: of the last run, COUNT items of it measured
    what=$1 status=$2 count=$3 expected=$4
    shift 4
    good=0
    [ "$status" -eq "$expected" ] || good=1
    [ "$count" -eq 0 ] || grep -q "^[a-z0-9+]*  *\(val  *\)*$count " out || good=1
    [ "$expected" -ne 0 ] && [ ! -s err ] && good=1
    [ "$expected" -eq 1 ] && [ "$(wc -l <err)" -ne 1 ] && good=1
    for pattern; do
        [ -z "$pattern" ] || grep -q -- "$pattern" err || good=1
    done
    ok $good "$what: $status $(head -n 1 err)"
}

# ---- RefCOCO: of two references one is damaged
reference() { # reference ANNOTATION TEXT: as Python 2 pickles it
    printf "(dS'ann_id'\nI%s\nsS'image_id'\nI42\nsS'ref_id'\nI1\nsS'split'\nS'val'\nsS'sent_ids'\n(lI30\nas" "$1"
    printf "S'sentences'\n(l(dS'raw'\nV%s\nsS'sent_id'\nI30\nsasa" "$2"
}
{ printf '(l'; reference 7 'the red square'; reference 8 blue; printf '.'; } >whole.p
boxes='{"annotations": [{"id": 7, "bbox": [1, 1, 9, 9]}, {"id": 8, "bbox": [2, 2, 9, 9]}]}'
d=datasets/refcoco
db=$d/refcoco_unc/refcoco_resnext152_faster_rcnn_genome.lmdb
mkdir -p "$d/refcoco" "$db"
folder=true
"$VILSCOPE" extract -m "$tiny" -o all.lmdb in >out 2>err || folder=false
if $folder; then
    cp all.lmdb/data.mdb "$db/"
else
    grep -q "$no_lmdb" err
    ok $? "this machine writes no LMDB: $(cat err)"
fi
both() { # both WHAT STATUS ITEMS PATTERN PATTERN: of the makers' files, and of the reference's folder
    eval_of --data refs.p --annotations instances.json --regions npy
    says "$1" $? "$3" "$2" "$4"
    if $folder; then
        cp refs.p "$d/refcoco/refs(unc).p"
        cp instances.json "$d/refcoco/instances.json"
        eval_of --reference . -t refcoco
        says "$1, in the folder" $? "$3" "$2" "$5"
    fi
}
damaged() { # damaged WHAT SED PATTERN [PATTERN]: the first reference, where ~ ends a line
    tr '\n' '~' <whole.p | sed "$2" | tr '~' '\n' >refs.p
    cmp -s refs.p whole.p && ok 1 "$1 changes the pickle"
    both "$1" 4 1 "refs.p: item reference 1 is left out: $3" \
        "item refs(unc).p: reference 1 is left out: ${4-$3}"
}
echo "$boxes" >instances.json
cp whole.p refs.p
both "whole files" 0 2 '' ''
head -c 60 whole.p >refs.p
both "a pickle that is cut off" 1 0 'refs.p: pickle, byte 58: cut off' 'refs(unc).p: pickle, byte 58: cut off'
: >refs.p
both "an empty one" 1 0 'refs.p: there is no item in it' 'refs(unc).p: is empty, a pickle is expected'
printf "(dS'a'\nI1\ns." >refs.p
both "a dictionary" 1 0 'refs.p: a pickle of something else than a list' 'refs(unc).p: a pickle of something else'
printf '(l.' >refs.p
both "an empty list" 1 0 'refs.p: is an empty list' 'refs(unc).p: is an empty list'
cp "$tiny/scene.png" refs.p
both "an image" 1 0 'refs.p: is an image' 'refs(unc).p: is an image, a pickle is expected'
echo 'a text' >refs.p
both "a text" 1 0 'refs.p: is text' 'refs(unc).p: is text, a pickle is expected'
printf '(lI3\na.' >refs.p
both "references that are numbers" 1 0 'refs.p: .*reference 1: is no dictionary' \
    'refs(unc).p: reference 1: is no dictionary'
damaged "no image_id" 's/image_id/imagx_id/' 'its "image_id" is missing'
damaged "an image_id that is a word" "s/I42/S'x'/" 'its "image_id" is missing or no whole number'
damaged "an image_id with a fraction" 's/I42/F4.5/' 'its "image_id" is missing or no whole number'
damaged "no ann_id" 's/ann_id/anx_id/' 'its "ann_id" is missing'
damaged "an ann_id of no box" 's/I7/I9/' 'its ann_id has no box'
damaged "no split" "s/S'split'~S'val'~s//" 'its "split" is missing'
damaged "a split that is a number" "s/S'val'/I5/" 'its "split" is missing or no text'
damaged "no sentences" 's/sentences/sentencez/' 'its "sentences" is missing'
damaged "sentences that are a number" "s/(l(dS'raw'~Vthe red square~sS'sent_id'~I30~sa/I5~/" \
    'its "sentences" is missing or no list'
damaged "no sentence" "s/(l(dS'raw'~Vthe red square~sS'sent_id'~I30~sa/(l/" 'its "sentences" is empty' \
    'its "sentences" or "sent_ids" is empty'
damaged "a sentence that is a number" "s/(dS'raw'~Vthe red square~sS'sent_id'~I30~sa/I4~a/" \
    'one of its sentences is no dictionary' 'a sentence has no "raw" text'
damaged "a text that is a number" 's/Vthe red square/I8/' 'one of its sentences has no text' \
    'a sentence has no "raw" text'
sed '1s/^(l/(lI3\na/' whole.p >refs.p
both "a reference that is a number" 4 2 'refs.p: item reference 1 is left out: is no dictionary' \
    'item refs(unc).p: reference 1 is left out: is no dictionary'
sed '0,/I42/s//I43/' whole.p >refs.p
eval_of --data refs.p --annotations instances.json --regions npy
says "an image without features" $? 1 0 'note: 1 of 2 items are left out: .*COCO_train2014_000000000043.jpg'
if $folder; then
    cp refs.p "$d/refcoco/refs(unc).p"
    eval_of --reference . -t refcoco
    says "an image that the LMDB has not" $? 1 4 "item 30 is left out: image '43' is not in .*refcoco_resnext152"
fi
cp whole.p refs.p
for box in '[1, 1, 9]' '[1, 1, "a", 9]' '7'; do
    echo "$boxes" | sed "s/\[1, 1, 9, 9\]/$box/" >instances.json
    both "a bbox that is $box" 4 1 'item reference 1 is left out: its ann_id has no box' \
        'item refs(unc).p: reference 1 is left out: its ann_id has no box in instances.json'
done
echo "$boxes" | sed 's/"id": 7,/& "image_id": "77",/; s/"id": 8,/& "image_id": "0042",/' >instances.json
eval_of --data refs.p --annotations instances.json --regions npy
says "a box in another image" $? 1 4 'item reference 1 is left out: its ann_id is of a box in another image'
printf '{"annotations": [' >instances.json
both "instances that are cut off" 1 0 'instances.json: line [12]: .* end of file' 'instances.json: line [12]: .* end of file'
: >instances.json
both "empty ones" 1 0 'instances.json: is empty, JSON is expected' 'instances.json: is empty, JSON is expected'
echo '[]' >instances.json
both "a list" 1 0 'instances.json: has no annotation' 'instances.json: has no list of "annotations"'
if $folder; then
    echo "$boxes" >"$d/refcoco/instances.json"
    head -c 5000 all.lmdb/data.mdb >"$db/data.mdb"
    eval_of --reference . -t refcoco
    says "an LMDB that is cut off" $? 0 1 'data.mdb: page [0-9]*: beyond the end of the file'
    cp all.lmdb/data.mdb "$db/"
    rm "$d/refcoco/refs(unc).p"
    eval_of --reference . -t refcoco
    says "no pickle" $? 0 1 'refs(unc).p: No such file'
fi

# ---- Flickr30k's table
table() { # table WHAT STATUS ITEMS PATTERN: of results.token
    eval_of --data results.token --regions npy
    says "a table, $1" $? "$3" "$2" "$4"
}
red='10.jpg#0\tred thing\n'
second='results.token: item line 2 is left out: is no file, number and caption'
printf "%b" "${red}20.jpg#0\tblue thing\n" >results.token
table whole 0 2 ''
: >results.token
table empty 1 0 'results.token: there is no item in it'
printf "%b" "${red}20.jpg" >results.token
table "cut off" 4 1 "$second"
printf "%b" "${red}20.jpg#0\t\n" >results.token
table "no caption" 4 1 "$second"
printf "%b" "${red}20.jpg#x\tblue\n" >results.token
table "a number that is none" 4 1 "$second"
printf "%b" "${red}#0\tblue\n" >results.token
table "no file" 4 1 "$second"
printf "%b" "${red}\0001\0377\n" >results.token
table "bytes" 4 1 "$second"
printf 'image_name| comment_number| comment\n' >results.token
table "its head only" 1 0 'results.token: there is no item in it'
printf "%b" "${red}30.jpg#0\tblue\n" >results.token
table "an image without features" 0 1 'note: 1 of 2 items .*30.jpg'
printf '30.jpg#0\tblue\n31.jpg#0\tred\n' >results.token
table "images of another set" 1 0 'of 2 images none is in npy, the first is .*30.jpg'
mkdir -p wide
"$VILSCOPE" extract -m "$frozen" --format npy -o wide in >out 2>err
cp wide/42.npy wide/20.npy
cp npy/10.npy wide/
printf "%b" "${red}20.jpg#0\tblue thing\n" >results.token
eval_of --data results.token --regions wide
says "one file of another width" $? 0 1 'wide/20.npy: features of 96 numbers, but the model tiny expects 20'
cp "$tiny/scene.png" image.token
eval_of --data image.token --regions npy
says "an image as a table" $? 0 1 'image.token: is an image'

# ---- Entities
entities() { # a folder of two images
    rm -rf ent
    mkdir -p ent/Sentences ent/Annotations
    printf '[/EN#1/people A man] in [/EN#2/clothing a hat]\nA [/EN#1/people man]\n' >ent/Sentences/10.txt
    printf '[/EN#1/people A dog]\n' >ent/Sentences/20.txt
    printf '10\n20\n' >ent/test.txt
    for i in 10 20; do
        {
            printf '<annotation>\n'
            for k in 1 2; do
                printf '<object><name>%s</name><bndbox><xmin>1</xmin><ymin>2</ymin>' $k
                printf '<xmax>9</xmax><ymax>9</ymax></bndbox></object>\n'
            done
            printf '</annotation>\n'
        } >ent/Annotations/$i.xml
    done
}
phrases() { # phrases WHAT STATUS ITEMS PATTERN: of the folder as it is now
    eval_of --data ent --regions npy -t refcoco
    says "Entities, $1" $? "$3" "$2" "$4"
}
captions() { # the same for its captions
    eval_of --data ent --regions npy -t flickr30k
    says "Entities' captions, $1" $? "$3" "$2" "$4"
}
xml=ent/Annotations/10.xml text=ent/Sentences/10.txt
entities && phrases whole 0 4 '' && captions whole 0 3 ''
rm $xml
phrases "no boxes" 4 1 "ent: item image 10 is left out: $xml: No such file"
captions "which need no boxes" 0 3 ''
for kind in empty cut JSON; do
    entities
    case $kind in
    empty) : >$xml ;;
    cut) head -c 80 ent/Annotations/20.xml >$xml ;;
    JSON) echo '{"a": 1}' >$xml ;;
    esac
    phrases "boxes: $kind" 4 1 "item image 10 is left out: $xml: is not XML of boxes, or cut off"
done
entities
sed -i '2s/<xmin>1/<xmin>a/' $xml
phrases "a box with a word" 4 1 "item image 10, caption 1 is left out: $xml: a <bndbox> of the object '1' has not four"
entities
sed -i '3s/<xmax>9<.xmax>//' $xml
phrases "a box of three sides" 4 2 "item image 10, caption 1 is left out: $xml: a <bndbox> of the object '2' has not four"
entities
sed -i '3s/<xmin>1/<xmin>99/' $xml
phrases "a box that ends before it begins" 4 3 "item 10#0#2 is left out: the item's box"
entities
sed -i '3s/<bndbox>.*<.bndbox>/<nobndbox>1<\/nobndbox>/' $xml
phrases "what has no box is no fault" 0 3 ''
for kind in empty cut blank image kind; do
    entities
    case $kind in
    empty) : >$text && wanted="item image 10 is left out: $text: is empty, captions are expected" left=1 ;;
    cut) printf 'A [/EN#1/people man]\n[/EN#1/people A man' >$text &&
        wanted="item image 10, caption 2 is left out: $text: line 2: a phrase is cut off" left=2 ;;
    blank) printf 'A [/EN#1/people man]\n\n[/EN#1/people A man' >$text &&
        wanted="item image 10, caption 2 is left out: $text: line 3: a phrase is cut off" left=2 ;;
    image) cp "$tiny/scene.png" $text && wanted="item image 10 is left out: $text: is not text" left=1 ;;
    kind) printf '[/EN#1 A man]\nA [/EN#1/people man]\n' >$text &&
        wanted="item image 10, caption 1 is left out: $text: line 1: a phrase is cut off" left=2 ;;
    esac
    phrases "captions: $kind" 4 $left "$wanted"
    captions "$kind" 4 $left "$wanted"
done
entities
rm $text
phrases "captions that are not there" 4 1 "item image 10 is left out: $text: No such file"
entities
rm npy/10.npy
phrases "an image without features" 0 1 'note: 3 of 4 items are left out: .*10.jpg'
: >ent/test.txt
phrases "a split without images" 1 0 'ent: there is no item in it'
echo 99 >ent/test.txt
phrases "a split of other images" 1 0 'ent: image 99: ent/Sentences/99.txt: No such file'
rm -r ent/Annotations
echo 20 >ent/test.txt
phrases "no folder of boxes" 1 0 'ent: image 20: ent/Annotations/20.xml: No such file'
end
