# A walk through one image of the demo: vilscope --tour, or vilscope -S demo/tour.vs.
# Each "pause" waits for a key; Escape ends the tour and leaves the workbench open.
# Each line says what is seen: tests/screen/test-tour.c has the numbers behind it.
image 1
wait
say A tour: any key goes on, Esc ends it. Here are six things.
pause
ask What color is the ring right of the star?
wait
say A question, and the answers by probability: "purple" leads.
pause
token ring
layer 2
head 1
wait
say Left, Right choose a word: "ring" looks at the ring.
pause
token star
wait
say The landmark looks for itself: "star" looks at the star.
pause
press [
wait
say [ and ] go through the layers: in the first, it has no aim.
pause
press ]
view matrix
wait
say v shows views. The map of this head: each word has a row.
pause
view heads
statistic entropy
wait
say Heads by entropy (T): 2.1 is near the end: it has an aim.
pause
checkpoint faulty
again
wait
say c: another checkpoint. In this one, head 2.1 has no aim.
pause
checkpoint final
again
wait
view lens
wait
say Each state read as a word: at the end most are themselves.
pause
cancel
view attention
task refcoco
ask the dotted cone
wait
say A phrase: regions are ranked. Up and Down choose.
pause
drop region 6
wait
say What if the best one were not there? D drops the chosen.
pause
restore
wait
task vqa
ask What color is the ring right of the star?
wait
leave-one-out tokens
wait
say K: each word is left out in turn. "color" weighs the most.
pause
cancel
view attention
ask Is there a wombat?
wait
say A word that it never saw: a note says so. It guesses.
pause
suggest nlvr2
wait
say A statement on two images. Digits or t choose tasks.
pause
cancel
help
say ? lists all keys; type to search. : types commands.
pause
cancel
say That was the tour. / types a question of yours, q quits.
