# A question, the word it hangs on, and the figure: vilscope -S examples/figure.vs
image 1
wait
ask what color is the large thing?
wait
token large
layer 2
wait
export figure.png
quit
